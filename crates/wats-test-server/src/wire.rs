//! Answers as JSON or XML, by the request's `Accept`, as ASP.NET Web API does it.

use serde_json::json;
use uuid::Uuid;

use crate::answer::Reply;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `application/json`
    Json,
    /// `application/xml`, as `DataContractSerializer` writes it.
    Xml,
}

/// What the server says of a report that it keeps.
pub(crate) struct Inserted {
    /// The id that was sent, if the server behaves.
    pub(crate) id: Uuid,
    /// The server's own.
    pub(crate) uuid: Uuid,
    /// The number of the report.
    pub(crate) report_id: usize,
}

impl Format {
    /// The first type that it knows; JSON if there is none.
    pub(crate) fn wanted(accept: Option<&str>) -> Format {
        let known = |range: &str| match range.split(';').next().unwrap_or_default().trim() {
            "application/json" | "text/json" => Some(Format::Json),
            "application/xml" | "text/xml" => Some(Format::Xml),
            _ => None,
        };
        accept.and_then(|accept| accept.split(',').find_map(known)).unwrap_or(Format::Json)
    }

    fn reply(self, code: u16, json: &serde_json::Value, xml: String) -> Reply {
        match self {
            Format::Json => Reply::json(code, json),
            Format::Xml => Reply::new(code, "application/xml; charset=utf-8", xml),
        }
    }

    pub(crate) fn version(self, version: &str) -> Reply {
        let namespace = "http://schemas.microsoft.com/2003/10/Serialization/";
        self.reply(200, &json!(version), format!("<string xmlns=\"{namespace}\">{version}</string>"))
    }

    pub(crate) fn message(self, code: u16, text: &str) -> Reply {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
        self.reply(code, &json!({ "Message": text }), format!("<Error><Message>{escaped}</Message></Error>"))
    }

    pub(crate) fn inserted(self, Inserted { id, uuid, report_id }: &Inserted) -> Reply {
        let json = json!([{ "ID": id.to_string(), "uuid": uuid.to_string(), "Report_ID": report_id }]);
        let namespaces = "xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" \
                          xmlns=\"http://schemas.datacontract.org/2004/07/Virinco.WATS.Web.Api.Models\"";
        let xml = format!(
            "<ArrayOfInsertReportResult {namespaces}><InsertReportResult><ID>{id}</ID>\
             <Report_ID>{report_id}</Report_ID><uuid>{uuid}</uuid></InsertReportResult>\
             </ArrayOfInsertReportResult>"
        );
        self.reply(200, &json, xml)
    }
}
