//! `/metrics` for Prometheus, in its [text format](https://prometheus.io/docs/instrumenting/exposition_formats/) and by
//! its [conventions for names](https://prometheus.io/docs/practices/naming/): base units, `_total` on counters and on
//! nothing else. Nothing in it is of a report. What is not known has no sample.

use serde_json::Value;
use std::fmt::Write;

/// The type of the answer.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything, from the details of the service.
pub fn text(body: &Value) -> String {
    let details = &body["details"];
    let number = |name: &str| details[name].as_f64();
    let flag = |is: bool| Some(f64::from(u8::from(is)));
    let mut page = Page::default();

    page.family("pywats_build_info", Kind::Gauge, "The version that runs; the value is always 1.");
    let version = details["version"].as_str().unwrap_or_default();
    page.sample(&[("version", version), ("os", std::env::consts::OS), ("arch", std::env::consts::ARCH)], 1.0);

    let waiting = details["pending_count"].as_u64().unwrap_or_default();
    let oldest = if waiting == 0 { Some(0.0) } else { number("oldest_waiting_seconds") };
    page.single("pywats_ready", "Whether reports are taken and uploaded.", flag(body["healthy"] == true));
    page.single(
        "pywats_server_online",
        "Whether the server answered last.",
        flag(details["api_status"] == "Online"),
    );
    page.single("pywats_uptime_seconds", "Seconds since the service was started.", number("uptime_seconds"));
    page.single("pywats_reports_pending", "Reports that wait for the server.", number("pending_count"));
    page.single("pywats_reports_parked", "Those of them that are only tried daily.", number("parked_count"));
    page.single(
        "pywats_oldest_pending_report_age_seconds",
        "For how long the oldest report waits; 0 if none does.",
        oldest,
    );
    page.single(
        "pywats_last_delivery_timestamp_seconds",
        "When the server accepted a report last, in seconds since 1970; only since the service was started.",
        details["last_delivery"].as_str().and_then(seconds_since_1970),
    );
    page.single(
        "pywats_learnt_reports_per_second",
        "How many the server lets through, as learnt from 429; 0 if it has not limited them.",
        Some(number("pace_per_minute").unwrap_or_default() / 60.0),
    );
    page.single(
        "pywats_failed_files",
        "Files that lie in the failed folders.",
        number("failed_folder_files"),
    );
    page.single(
        "pywats_data_disk_free_bytes",
        "Bytes that the service may still write to the disk of its data folder.",
        number("free_bytes"),
    );
    page.single(
        "pywats_clock_offset_seconds",
        "By how much this machine's clock is ahead of the server's.",
        number("clock_offset_seconds"),
    );

    for (name, member, help) in [
        ("pywats_reports_delivered_total", "delivered_count", "Reports that the server accepted."),
        ("pywats_reports_failed_total", "failed_count", "Files and reports that were refused."),
        ("pywats_reports_lost_total", "lost_count", "Reports whose file somebody removed from the spool."),
    ] {
        page.family(name, Kind::Counter, help);
        page.sample(&[], number(member).unwrap_or_default());
    }
    page.family(
        "pywats_server_answers_total",
        Kind::Counter,
        "Answers of the server by HTTP status; \"none\" counts requests that had no answer.",
    );
    for (status, times) in details["answers"].as_object().into_iter().flatten() {
        page.sample(&[("status", status)], times.as_f64().unwrap_or_default());
    }
    folders(&mut page, details);
    page.0
}

/// One watch folder, or several.
fn folders(page: &mut Page, details: &Value) {
    let folders = details["folders"].as_array();
    page.family("pywats_files_not_taken", Kind::Gauge, "Names in a watch folder that nobody takes, by kind.");
    let samples = |page: &mut Page, folder: &str, kinds: &Value| {
        for (kind, count) in kinds.as_object().into_iter().flatten() {
            page.sample(&[("folder", folder), ("kind", kind)], count.as_f64().unwrap_or_default());
        }
    };
    let Some(folders) = folders else {
        return samples(page, "default", &details["not_taken"]);
    };
    let name = |folder: &Value| folder["name"].as_str().unwrap_or_default().to_owned();
    for folder in folders {
        samples(page, &name(folder), &folder["not_taken"]);
    }
    page.family("pywats_folder_up", Kind::Gauge, "Whether a watch folder can be used.");
    for folder in folders {
        page.sample(&[("folder", &name(folder))], f64::from(u8::from(folder["problem"].is_null())));
    }
}

fn seconds_since_1970(time: &str) -> Option<f64> {
    Some(time.parse::<jiff::Timestamp>().ok()?.as_second() as f64)
}

/// What a number is.
#[derive(Clone, Copy)]
enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// The text, and the name of the family that samples belong to.
#[derive(Default)]
struct Page(String, &'static str);

impl Page {
    fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        self.1 = name;
        // Writing into a text does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<String> =
            labels.iter().map(|(name, text)| format!("{name}=\"{}\"", escaped(text))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{}{labels} {value}", self.1);
    }

    /// A gauge with one sample, or none if its value is not known.
    fn single(&mut self, name: &'static str, help: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.family(name, Kind::Gauge, help);
            self.sample(&[], value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Fails if: a value is missing or under another name, a label is not escaped, or what is not known has a sample.
    #[test]
    fn numbers_become_samples() {
        let mut body = json!({
            "healthy": false,
            "details": {
                "version": "1.0", "api_status": "Online", "uptime_seconds": 7, "pending_count": 2, "parked_count": 1,
                "oldest_waiting_seconds": 90, "delivered_count": 5, "failed_count": 4, "lost_count": 3,
                "last_delivery": "2026-11-22T12:00:00Z", "failed_folder_files": 6, "pace_per_minute": 90,
                "answers": { "200": 5, "none": 1 }, "free_bytes": 4_000_000_000_u64, "clock_offset_seconds": -3,
                "not_taken": { "of \"another\" kind\\\n": 8 },
            },
        });
        let page = text(&body);
        for line in [
            "pywats_ready 0",
            "pywats_server_online 1",
            "pywats_reports_pending 2",
            "pywats_oldest_pending_report_age_seconds 90",
            "pywats_last_delivery_timestamp_seconds 1795348800",
            "pywats_reports_delivered_total 5",
            "pywats_reports_failed_total 4",
            "pywats_reports_lost_total 3",
            "pywats_failed_files 6",
            "pywats_learnt_reports_per_second 1.5",
            "pywats_data_disk_free_bytes 4000000000",
            "pywats_clock_offset_seconds -3",
            "pywats_server_answers_total{status=\"200\"} 5",
            "pywats_server_answers_total{status=\"none\"} 1",
            "pywats_files_not_taken{folder=\"default\",kind=\"of \\\"another\\\" kind\\\\\\n\"} 8",
            "# TYPE pywats_reports_failed_total counter",
        ] {
            assert!(page.lines().any(|there| there == line), "{line:?} is not in\n{page}");
        }
        assert!(!page.contains("pywats_folder_up"), "{page}");
        let folder =
            |name: &str, problem: Value| json!({ "name": name, "problem": problem, "not_taken": {} });
        body["details"]["folders"] = json!([folder("default", Value::Null), folder("ict", "gone".into())]);
        body["details"]["last_delivery"] = Value::Null;
        body["details"]["pending_count"] = 0.into();
        let page = text(&body);
        for line in [
            "pywats_folder_up{folder=\"default\"} 1",
            "pywats_folder_up{folder=\"ict\"} 0",
            "pywats_oldest_pending_report_age_seconds 0",
        ] {
            assert!(page.lines().any(|there| there == line), "{line:?} is not in\n{page}");
        }
        assert!(!page.contains("last_delivery"), "{page}");
    }
}
