//! A request, and what of a report the server looks at: no more than needed, so that measuring is not
//! measuring the server.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use hyper::http::request::Parts;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `GET /api/App/Version`
    Version,
    /// `POST /api/Report/WSJF`
    Submission,
    /// `GET /api/Report/Wsjf/{id}`
    ReadBack,
    /// `PUT /api/Client/Update`
    Status,
    /// Anything else.
    Other,
}

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// All headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The same inside the server: the body is shared, not copied.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) kind: Kind,
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// For submissions.
    pub(crate) head: Option<Result<Head, String>>,
}

impl Request {
    pub(crate) fn new(parts: &Parts, body: Bytes) -> Request {
        let method = parts.method.to_string();
        let path = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        let kind = kind(&method, &path);
        let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let head = (kind == Kind::Submission).then(|| Head::read(&body));
        Request { kind, method, path, headers: parts.headers.iter().map(header).collect(), body, head }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn report(&self) -> Option<&Head> {
        self.head.as_ref()?.as_ref().ok()
    }

    /// The id of the report as it was sent.
    pub(crate) fn id(&self) -> Option<&str> {
        self.report()?.id.as_ref()?.as_str()
    }

    /// The serial number of the unit.
    pub(crate) fn serial_number(&self) -> Option<&str> {
        self.report()?.serial_number.as_deref()
    }

    /// The path without the query.
    pub(crate) fn route(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    pub(crate) fn received(&self) -> Received {
        Received {
            method: self.method.clone(),
            path: self.path.clone(),
            authorization: self.header("authorization").map(str::to_owned),
            content_type: self.header("content-type").map(str::to_owned),
            headers: self.headers.clone(),
            body: self.body.to_vec(),
        }
    }
}

/// ASP.NET does not look at the case of a path.
pub(crate) fn kind(method: &str, path: &str) -> Kind {
    let route = path.split('?').next().unwrap_or_default().to_ascii_lowercase();
    match (method, route.as_str()) {
        ("GET", "/api/app/version") => Kind::Version,
        ("POST", "/api/report/wsjf") => Kind::Submission,
        ("PUT", "/api/client/update") => Kind::Status,
        ("GET", route) if route.starts_with("/api/report/wsjf/") => Kind::ReadBack,
        _ => Kind::Other,
    }
}

/// The identifying fields of a report; everything else is skipped, not built.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Head {
    pub(crate) id: Option<Value>,
    pub(crate) serial_number: Option<String>,
}

impl Head {
    fn read(body: &[u8]) -> Result<Head, String> {
        match serde_json::from_slice::<Head>(body) {
            Ok(head) => Ok(head),
            Err(_) if serde_json::from_slice::<IgnoredAny>(body).is_ok() => {
                Err("The report is not a JSON object.".to_owned())
            }
            Err(error) => Err(format!("Invalid JSON: {error}")),
        }
    }
}

impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Head, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Head;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a report")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Head, A::Error> {
                let mut head = Head::default();
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    match &*key {
                        "id" => head.id = map.next_value::<Option<Value>>()?,
                        "sn" => {
                            head.serial_number = map.next_value::<Value>()?.as_str().map(str::to_owned);
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(head)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}
