//! What a registry answers, and who that was.

use super::{INDEX, MANIFEST};
use crate::shown::said;
use crate::wire::{text, without_query};
use packager::digest::sha256;
use serde_json::Value;
use ureq::http::HeaderMap;

/// What else registries may have as a manifest, from other builders and former years.
const OTHER_MANIFESTS: [&str; 4] = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
];

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The registry.
    Registry,
    /// The service that gives tokens out.
    Tokens,
    /// Another server that the registry sends us to, such as that of its storage. It gets no token.
    Storage,
}

/// An answer.
pub(super) struct Answer {
    /// What was asked, for errors.
    pub(super) request: String,
    /// The address that was asked.
    pub(super) url: String,
    pub(super) part: Part,
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        text(&self.headers, name)
    }

    /// The media type, without parameters and in small letters.
    pub(super) fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Whether it says that it is a manifest. Whoever answers everything with a page does not.
    pub(super) fn is_manifest(&self) -> bool {
        let media_type = self.media_type();
        [INDEX, MANIFEST].iter().chain(&OTHER_MANIFESTS).any(|known| media_type == *known)
    }

    /// The digest that it tells of what was asked for, if it is one that can be compared: registries may use another
    /// algorithm.
    pub(super) fn digest(&self) -> Option<&str> {
        let is_digest = |digest: &&str| digest.starts_with("sha256:");
        self.header("docker-content-digest").filter(is_digest)
    }

    /// The digest of a manifest. Without the header it is that of the body, which only the answer to `GET` has.
    pub(super) fn manifest_digest(&self) -> Option<String> {
        let is_whole =
            |digest: &&str| digest.len() == 71 && digest[7..].bytes().all(|byte| byte.is_ascii_hexdigit());
        match self.digest().filter(is_whole) {
            Some(digest) => Some(digest.to_owned()),
            None if self.body.is_empty() => None,
            None => Some(format!("sha256:{}", sha256(&self.body))),
        }
    }

    /// Whether it tells that a blob is there: by its digest or its size, and by no other.
    pub(super) fn has_blob(&self, digest: &str, size: usize) -> bool {
        let found = self.digest();
        let length = self.header("content-length").and_then(|length| length.trim().parse::<usize>().ok());
        (found.is_some() || length.is_some())
            && found.is_none_or(|found| found == digest)
            && length.is_none_or(|length| length == size)
    }

    pub(super) fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308)
    }

    /// The errors that the registry tells, each a code and a message.
    fn errors(&self) -> Vec<(String, String)> {
        let json: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let errors = json["errors"].as_array().into_iter().flatten();
        errors.map(|error| (text(&error["code"]), text(&error["message"]))).collect()
    }

    pub(super) fn has(&self, codes: &[&str]) -> bool {
        self.errors().iter().any(|(code, _)| codes.contains(&code.as_str()))
    }

    /// The request, the status and what the registry said, in one line.
    pub(super) fn refusal(&self) -> String {
        let errors: Vec<_> =
            self.errors().into_iter().map(|(code, message)| format!("{code} {message}")).collect();
        let mut words = match &errors[..] {
            [] => String::from_utf8_lossy(&self.body).into_owned(),
            errors => errors.join("; "),
        };
        if let Some(location) = self.header("location").filter(|_| self.is_redirect()) {
            words = format!("to {} {words}", without_query(location));
        }
        format!("{}: {} {}", self.request, self.status, said(&words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::http::header::{HeaderName, HeaderValue};

    fn answer(headers: &[(&'static str, &str)], body: &str) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        Answer {
            request: "GET x".to_owned(),
            url: "http://x".to_owned(),
            part: Part::Registry,
            status: 200,
            headers: map,
            body: body.into(),
        }
    }

    /// Fails if: something else is taken for a manifest or a blob, or one that is there for none.
    #[test]
    fn believes_what_is_told_whole() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let other = format!("sha256:{}", "b".repeat(64));
        let docker = "docker-content-digest";
        for (headers, is_manifest) in [
            (&[("content-type", INDEX)][..], true),
            (&[("content-type", "Application/vnd.oci.image.manifest.v1+JSON; charset=utf-8")], true),
            (&[("content-type", OTHER_MANIFESTS[0])], true),
            (&[("content-type", "text/html")], false),
            (&[("content-type", "application/json"), (docker, &digest)], false),
            (&[], false),
        ] {
            assert_eq!(answer(headers, "").is_manifest(), is_manifest, "{headers:?}");
        }
        let of_body = format!("sha256:{}", sha256(b"{}"));
        for (told, body, expected) in [
            (Some(&*digest), "{}", Some(&*digest)),
            (Some("sha256:0"), "{}", Some(&*of_body)),
            (Some("sha256:0"), "", None),
            (Some("sha512:00"), "{}", Some(&*of_body)),
            (None, "{}", Some(&*of_body)),
            (None, "", None),
        ] {
            let headers: Vec<_> = told.into_iter().map(|told| (docker, told)).collect();
            assert_eq!(answer(&headers, body).manifest_digest().as_deref(), expected, "{told:?} {body}");
        }
        for (headers, is_there) in [
            (&[("content-length", "5"), (docker, &*digest)][..], true),
            (&[("content-length", "5")], true),
            (&[(docker, &digest)], true),
            (&[(docker, "sha512:00"), ("content-length", "5")], true),
            (&[("content-length", "6"), (docker, &digest)], false),
            (&[("content-length", "5"), (docker, &other)], false),
            (&[("content-length", "-5")], false),
            (&[], false),
        ] {
            assert_eq!(answer(headers, "").has_blob(&digest, 5), is_there, "{headers:?}");
        }
    }
}
