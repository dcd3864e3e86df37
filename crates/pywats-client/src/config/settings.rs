//! Every setting in one table: its name in the file, its environment variable, its group policy, what to
//! write, how it is read and how it is shown. Error messages, suggestions, `pywats-client check` and the
//! templates of the policies come from it.

use super::policy::{Input, Policy};
use super::{
    AfterDelivery, Config, LogFormat, MissingId, Proof, SameId, Secret, ShowReports, station, watch_folders,
};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use wats::Rules;
use wats_settings::{folder, token};

/// One setting.
pub struct Setting {
    /// The section of the file, an object; empty for what stands beside the sections.
    pub section: &'static str,
    /// The key in the section.
    pub key: &'static str,
    /// The environment variable that overrides the file, where it is not called after section and key.
    pub env: Option<&'static str>,
    /// The group policy that overrides file and environment.
    pub policy: Option<Policy>,
    /// What a valid value is, as the end of the sentence "write …".
    pub expects: &'static str,
    /// Takes a value over; `None` if it is not what is expected.
    pub read: fn(&mut Config, &Value) -> Option<()>,
    /// The value in force, secrets masked; `None` where there is none.
    pub show: fn(&Config) -> Option<String>,
}

impl Setting {
    /// Section and key, as `server.url`; the key alone where there is no section.
    pub fn name(&self) -> String {
        if self.section.is_empty() { self.key.to_owned() } else { format!("{}.{}", self.section, self.key) }
    }

    /// The environment variable that overrides the file: `PYWATS_SERVER_URL`.
    pub fn env_name(&self) -> String {
        let name = || format!("PYWATS_{}", self.name().replace('.', "_").to_ascii_uppercase());
        self.env.map_or_else(name, str::to_owned)
    }

    /// What is wrong with a value that [`Setting::read`] does not take, and what to write.
    pub fn not_usable(&self, value: &Value) -> String {
        let of_row = if self.key == "folders" { watch_folders::read(value).err() } else { None };
        of_row.unwrap_or_else(|| format!("{}: not usable; write {}", self.name(), self.expects))
    }
}

/// All settings, in the order in which they are shown.
pub const SETTINGS: &[Setting] = &[
    Setting {
        section: "server",
        key: "url",
        env: None,
        policy: Some(Policy {
            value: "ServerUrl",
            title: "Server address",
            explanation: "Reports are uploaded to this WATS server and to no other.",
            input: Input::Text,
        }),
        expects: "the address of the WATS server, as \"https://company.wats.com\"",
        read: |c, v| optional_text(v).map(|url| c.server.url = url),
        show: |c| c.server.url.as_deref().map(without_secrets),
    },
    Setting {
        section: "server",
        key: "token",
        env: Some("PYWATS_API_TOKEN"),
        policy: None,
        expects: "the token that the server issued, in quotes",
        read: |c, v| optional_text(v).map(|token| c.server.token = token.map(Secret::new)),
        show: |c| c.server.token.as_ref().map(|token| token.masked().to_owned()),
    },
    Setting {
        section: "server",
        key: "token_file",
        env: None,
        policy: Some(Policy {
            value: "TokenFile",
            title: "Token file",
            explanation: "The token is read from this file, whatever file and environment say. Every user of the machine can read policies: none holds the token itself. Let only administrators and the account of the service read the file.",
            input: Input::Text,
        }),
        expects: "the full path of a file that holds nothing but the token",
        read: |c, v| optional_path(v).map(|file| c.server.token_file = file),
        show: |c| c.server.token_file.as_ref().map(|file| file.display().to_string()),
    },
    Setting {
        section: "server",
        key: "ca_file",
        env: None,
        policy: Some(Policy {
            value: "CaFile",
            title: "Certificate authority file",
            explanation: "These certificates are trusted beside those of the system. Use it where the server has a certificate of a company's own authority that the system does not know.",
            input: Input::Text,
        }),
        expects: "the full path of a PEM file with the certificates to trust",
        read: |c, v| optional_path(v).map(|file| c.server.ca_file = file),
        show: |c| c.server.ca_file.as_ref().map(|file| file.display().to_string()),
    },
    Setting {
        section: "server",
        key: "proxy",
        env: None,
        policy: Some(Policy {
            value: "Proxy",
            title: "Proxy",
            explanation: "The way to the server. Do not write a password into the address: every user of the machine can read policies.",
            input: Input::Text,
        }),
        expects: "\"system\", \"none\" or the address of a proxy, as \"http://proxy.example:3128\"",
        read: |c, v| text(v).map(|proxy| c.server.proxy = Secret::new(proxy)),
        show: |c| Some(without_secrets(c.server.proxy.reveal())),
    },
    Setting {
        section: "server",
        key: "timeout_seconds",
        env: None,
        policy: None,
        expects: "a number of seconds from 1 to 3600",
        read: |c, v| seconds(v, 1, 3600).map(|timeout| c.server.timeout = timeout),
        show: |c| Some(c.server.timeout.as_secs().to_string()),
    },
    Setting {
        section: "server",
        key: "report_status",
        env: None,
        policy: None,
        expects: "true to tell the server how this station is, which needs the token of a registered client, or false",
        read: |c, v| v.as_bool().map(|told| c.server.report_status = told),
        show: |c| Some(c.server.report_status.to_string()),
    },
    Setting {
        section: "client",
        key: "data_dir",
        env: Some("PYWATS_DATA_DIR"),
        policy: None,
        expects: folder::WANTED,
        read: |c, v| path(v).map(|folder| c.client.data_dir = folder),
        show: |c| Some(c.client.data_dir.display().to_string()),
    },
    Setting {
        section: "client",
        key: "watch_folder",
        env: None,
        policy: Some(Policy {
            value: "WatchFolder",
            title: "Watch folder",
            explanation: "Reports that are dropped into this folder are uploaded.",
            input: Input::Text,
        }),
        expects: folder::WANTED,
        read: |c, v| optional_path(v).map(|folder| c.client.watch_folder = folder),
        show: |c| Some(c.watch_folder().display().to_string()),
    },
    Setting {
        section: "client",
        key: "done_folder",
        env: None,
        policy: None,
        expects: folder::WANTED,
        read: |c, v| optional_path(v).map(|folder| c.client.done_folder = folder),
        show: |c| Some(c.done_folder().display().to_string()),
    },
    Setting {
        section: "client",
        key: "failed_folder",
        env: None,
        policy: None,
        expects: folder::WANTED,
        read: |c, v| optional_path(v).map(|folder| c.client.failed_folder = folder),
        show: |c| Some(c.failed_folder().display().to_string()),
    },
    Setting {
        section: "client",
        key: "after_delivery",
        env: None,
        policy: None,
        expects: AfterDelivery::WANTED,
        read: |c, v| AfterDelivery::of_word(text(v)?).map(|after| c.client.after_delivery = after),
        show: |c| Some(c.client.after_delivery.word().to_owned()),
    },
    Setting {
        section: "client",
        key: "archive_folder",
        env: None,
        policy: None,
        expects: folder::WANTED,
        read: |c, v| optional_path(v).map(|folder| c.client.archive_folder = folder),
        show: |c| Some(c.archive_folder().display().to_string()),
    },
    Setting {
        section: "client",
        key: "max_report_bytes",
        env: None,
        policy: None,
        expects: "a number of bytes from 1 to 536870912 (512 MiB)",
        read: |c, v| number(v, 1, 512 << 20).map(|bytes| c.client.max_report_bytes = bytes),
        show: |c| Some(c.client.max_report_bytes.to_string()),
    },
    Setting {
        section: "client",
        key: "incomplete_minutes",
        env: None,
        policy: None,
        expects: "a number of minutes from 1 to 1440",
        read: |c, v| number(v, 1, 1440).map(|minutes| c.client.incomplete = Duration::from_mins(minutes)),
        show: |c| Some((c.client.incomplete.as_secs() / 60).to_string()),
    },
    Setting {
        section: "",
        key: "folders",
        env: None,
        policy: None,
        expects: watch_folders::WANTED,
        read: |c, v| watch_folders::read(v).ok().map(|rows| c.folders = rows),
        show: |c| {
            let others = c.watch_folders().into_iter().skip(1);
            let shown: Vec<String> =
                others.map(|folder| format!("{} ({})", folder.name, folder.path.display())).collect();
            (!shown.is_empty()).then(|| shown.join(", "))
        },
    },
    Setting {
        section: "reports",
        key: "time_zone",
        env: None,
        policy: None,
        expects: "\"system\", a time zone as \"Europe/Oslo\", or an offset from UTC as \"+01:00\"",
        read: |c, v| {
            let zone = text(v)?;
            Rules::in_time_zone(zone).ok()?;
            zone.clone_into(&mut c.reports.time_zone);
            Some(())
        },
        show: |c| Some(c.reports.time_zone.clone()),
    },
    Setting {
        section: "reports",
        key: "same_id",
        env: None,
        policy: None,
        expects: "\"refuse\" or \"new_id\"",
        read: |c, v| {
            let same_id = match text(v)? {
                "refuse" => SameId::Refuse,
                "new_id" => SameId::NewId,
                _ => return None,
            };
            c.reports.same_id = same_id;
            Some(())
        },
        show: |c| {
            let shown = match c.reports.same_id {
                SameId::Refuse => "refuse",
                SameId::NewId => "new_id",
            };
            Some(shown.to_owned())
        },
    },
    Setting {
        section: "reports",
        key: "missing_id",
        env: None,
        policy: None,
        expects: "\"random\" or \"content\"",
        read: |c, v| {
            let missing_id = match text(v)? {
                "random" => MissingId::Random,
                "content" => MissingId::Content,
                _ => return None,
            };
            c.reports.missing_id = missing_id;
            Some(())
        },
        show: |c| {
            let shown = match c.reports.missing_id {
                MissingId::Random => "random",
                MissingId::Content => "content",
            };
            Some(shown.to_owned())
        },
    },
    Setting {
        section: "station",
        key: "name",
        env: None,
        policy: None,
        expects: station::TEXT_WANTED,
        read: |c, v| station::text(v).map(|text| c.station.name = text),
        show: |c| c.station.name(),
    },
    Setting {
        section: "station",
        key: "location",
        env: None,
        policy: None,
        expects: station::TEXT_WANTED,
        read: |c, v| station::text(v).map(|text| c.station.location = text),
        show: |c| c.station.location.clone(),
    },
    Setting {
        section: "station",
        key: "purpose",
        env: None,
        policy: None,
        expects: station::TEXT_WANTED,
        read: |c, v| station::text(v).map(|text| c.station.purpose = text),
        show: |c| c.station.purpose.clone(),
    },
    Setting {
        section: "station",
        key: "process_code",
        env: None,
        policy: None,
        expects: station::CODE_WANTED,
        read: |c, v| station::code(v).map(|code| c.station.process_code = code),
        show: |c| c.station.process_code.map(|code| code.to_string()),
    },
    Setting {
        section: "station",
        key: "operator",
        env: None,
        policy: None,
        expects: station::TEXT_WANTED,
        read: |c, v| station::text(v).map(|text| c.station.operator = text),
        show: |c| c.station.operator.clone(),
    },
    Setting {
        section: "upload",
        key: "retry_initial_seconds",
        env: None,
        policy: None,
        expects: "a number of seconds from 1 to 3600",
        read: |c, v| seconds(v, 1, 3600).map(|wait| c.upload.retry_initial = wait),
        show: |c| Some(c.upload.retry_initial.as_secs().to_string()),
    },
    Setting {
        section: "upload",
        key: "retry_max_seconds",
        env: None,
        policy: None,
        expects: "a number of seconds from 1 to 86400",
        read: |c, v| seconds(v, 1, 86_400).map(|wait| c.upload.retry_max = wait),
        show: |c| Some(c.upload.retry_max.as_secs().to_string()),
    },
    Setting {
        section: "upload",
        key: "concurrency",
        env: None,
        policy: None,
        expects: "a number of reports from 1 to 64",
        read: |c, v| number(v, 1, 64).map(|reports| c.upload.concurrency = reports as usize),
        show: |c| Some(c.upload.concurrency.to_string()),
    },
    Setting {
        section: "upload",
        key: "max_per_minute",
        env: None,
        policy: None,
        expects: "a number of reports from 1 to 60000, or null to send as many as the server takes",
        read: |c, v| {
            let most = if v.is_null() { None } else { Some(number(v, 1, 60_000)? as u32) };
            c.upload.max_per_minute = most;
            Some(())
        },
        show: |c| c.upload.max_per_minute.map(|reports| reports.to_string()),
    },
    Setting {
        section: "upload",
        key: "proof",
        env: None,
        policy: None,
        expects: "\"id\" (the server answers with the report's identifier, or has it when it is asked) or \
                  \"answer\" (an answer as WATS answers is enough)",
        read: |c, v| {
            c.upload.proof = match text(v)? {
                "id" => Proof::Id,
                "answer" => Proof::Answer,
                _ => return None,
            };
            Some(())
        },
        show: |c| {
            let proof = match c.upload.proof {
                Proof::Id => "id",
                Proof::Answer => "answer",
            };
            Some(proof.to_owned())
        },
    },
    Setting {
        section: "retention",
        key: "done_days",
        env: None,
        policy: None,
        expects: "how many days delivered files are kept in the done folder or the archive, from 1 to 36500, or 0 for ever",
        read: |c, v| number(v, 0, 36_500).map(|days| c.retention.done_days = days as u32),
        show: |c| Some(c.retention.done_days.to_string()),
    },
    Setting {
        section: "retention",
        key: "done_gigabytes",
        env: None,
        policy: None,
        expects: "how many gigabytes of delivered files are kept, the newest, from 1 to 1000000, or 0 for all",
        read: |c, v| number(v, 0, 1_000_000).map(|size| c.retention.done_gigabytes = size as u32),
        show: |c| Some(c.retention.done_gigabytes.to_string()),
    },
    Setting {
        section: "retention",
        key: "failed_days",
        env: None,
        policy: None,
        expects: "how many days refused files are kept in the failed folder, from 1 to 36500, or 0 for ever",
        read: |c, v| number(v, 0, 36_500).map(|days| c.retention.failed_days = days as u32),
        show: |c| Some(c.retention.failed_days.to_string()),
    },
    Setting {
        section: "logging",
        key: "level",
        env: Some("PYWATS_LOG"),
        policy: Some(Policy {
            value: "LogLevel",
            title: "Log level",
            explanation: "The least important kind of line that is written to the log.",
            input: Input::Choice(&["error", "warn", "info", "debug", "trace"]),
        }),
        expects: "\"error\", \"warn\", \"info\", \"debug\" or \"trace\"",
        read: |c, v| text(v)?.parse().ok().map(|level| c.logging.level = level),
        show: |c| Some(c.logging.level.as_str().to_ascii_lowercase()),
    },
    Setting {
        section: "logging",
        key: "format",
        env: None,
        policy: None,
        expects: "\"text\", or \"json\" for an object of JSON a line",
        read: |c, v| {
            c.logging.format = match text(v)? {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                _ => return None,
            };
            Some(())
        },
        show: |c| {
            let word = match c.logging.format {
                LogFormat::Text => "text",
                LogFormat::Json => "json",
            };
            Some(word.to_owned())
        },
    },
    Setting {
        section: "logging",
        key: "file",
        env: None,
        policy: None,
        expects: "the full path of the file that the log goes to in place of the journal or standard error, or \"/dev/stdout\" \
                  for standard output",
        read: |c, v| optional_path(v).map(|file| c.logging.file = file),
        show: |c| c.logging.file.as_ref().map(|file| file.display().to_string()),
    },
    Setting {
        section: "logging",
        key: "file_megabytes",
        env: None,
        policy: None,
        expects: "how large a log file becomes until the next one begins, from 1 to 1000 megabytes",
        read: |c, v| number(v, 1, 1000).map(|size| c.logging.file_megabytes = size as u32),
        show: |c| Some(c.logging.file_megabytes.to_string()),
    },
    Setting {
        section: "logging",
        key: "files",
        env: None,
        policy: None,
        expects: "how many full log files are kept, from 0 to 100",
        read: |c, v| number(v, 0, 100).map(|files| c.logging.files = files as u32),
        show: |c| Some(c.logging.files.to_string()),
    },
    Setting {
        section: "health",
        key: "address",
        env: None,
        policy: None,
        expects: "the IP address of an interface: \"127.0.0.1\" for this machine only, \"0.0.0.0\" for all",
        read: |c, v| text(v)?.parse().ok().map(|address| c.health.address = address),
        show: |c| Some(c.health.address.to_string()),
    },
    Setting {
        section: "health",
        key: "port",
        env: None,
        policy: Some(Policy {
            value: "HealthPort",
            title: "Health port",
            explanation: "Monitoring asks the service on this port how it is.",
            input: Input::Number { least: 0, most: 65_535 },
        }),
        expects: "a TCP port from 1 to 65535, or 0 to switch the health endpoints off",
        read: |c, v| number(v, 0, 65_535).map(|port| c.health.port = port as u16),
        show: |c| Some(c.health.port.to_string()),
    },
    Setting {
        section: "health",
        key: "show_reports",
        env: None,
        policy: None,
        expects: "\"local\" to show names of files, serial numbers and reasons on this machine only, or \"all\"",
        read: |c, v| {
            c.health.show_reports = match text(v)? {
                "local" => ShowReports::Local,
                "all" => ShowReports::All,
                _ => return None,
            };
            Some(())
        },
        show: |c| {
            let word = match c.health.show_reports {
                ShowReports::Local => "local",
                ShowReports::All => "all",
            };
            Some(word.to_owned())
        },
    },
    Setting {
        section: "health",
        key: "host_names",
        env: None,
        policy: None,
        expects: "the names by which browsers reach this machine beside its own, as \"station7.example.com\", \
                  separated by commas",
        read: |c, v| names(v).map(|names| c.health.host_names = names),
        show: |c| Some(c.health.host_names.join(", ")).filter(|names| !names.is_empty()),
    },
];

fn text(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim)
}

/// Empty text is what a template leaves: the same as no text.
fn optional_text(value: &Value) -> Option<Option<String>> {
    text(value).map(|text| (!text.is_empty()).then(|| text.to_owned()))
}

/// Names of machines, in lower case.
fn names(value: &Value) -> Option<Vec<String>> {
    let names = text(value)?.split(',').map(|name| name.trim().to_ascii_lowercase());
    let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    let is_name = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c));
    names.iter().all(is_name).then_some(names)
}

/// A service has no meaningful current folder, so a path must be complete.
fn path(value: &Value) -> Option<PathBuf> {
    text(value).filter(|path| folder::is_full(path)).map(PathBuf::from)
}

fn optional_path(value: &Value) -> Option<Option<PathBuf>> {
    if text(value)?.is_empty() { Some(None) } else { path(value).map(Some) }
}

fn number(value: &Value, least: u64, most: u64) -> Option<u64> {
    value.as_u64().filter(|number| (least..=most).contains(number))
}

fn seconds(value: &Value, least: u64, most: u64) -> Option<Duration> {
    number(value, least, most).map(Duration::from_secs)
}

/// An address without what may be secret in it: user and password, query and fragment, or a token in its place.
/// Passwords that hold `/`, `?` or `#` as they are make no proper address, but are written.
fn without_secrets(address: &str) -> String {
    if token::read(address).is_ok() {
        return "****".to_owned();
    }
    let start = address.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = address.split_at(start);
    let (user, rest) = match rest.rfind('@') {
        Some(at) => ("****", &rest[at..]),
        None => ("", rest),
    };
    match rest.find(['?', '#']) {
        Some(at) => format!("{scheme}{user}{}****", &rest[..=at]),
        None => format!("{scheme}{user}{rest}"),
    }
}

/// The key of `known` that someone who wrote `given` most likely meant.
pub fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: an address is shown with a secret in it, or changed where it has none.
    #[test]
    fn hides_passwords_in_addresses() {
        for (address, shown) in [
            ("https://company.wats.com", "https://company.wats.com"),
            ("http://user:secret@proxy:3128", "http://****@proxy:3128"),
            ("http://user:p@ss@proxy:3128/a", "http://****@proxy:3128/a"),
            ("http://user:a/b+1@proxy:3128", "http://****@proxy:3128"),
            ("http://user:a?b@proxy:3128", "http://****@proxy:3128"),
            ("https://company.wats.com/?token=secret", "https://company.wats.com/?****"),
            ("https://company.wats.com/#secret", "https://company.wats.com/#****"),
            ("dXNlcjpwYXNzd29yZA==", "****"),
            ("company.wats.com", "company.wats.com"),
            ("user:secret@proxy", "****@proxy"),
            ("system", "system"),
        ] {
            assert_eq!(without_secrets(address), shown);
        }
    }

    /// Fails if: a misspelt key gets no or a wrong suggestion.
    #[test]
    fn suggests_the_nearest_key() {
        let keys = || SETTINGS.iter().map(|setting| setting.key);
        for (given, meant) in [
            ("urll", Some("url")),
            ("watchfolder", Some("watch_folder")),
            ("timeout", Some("timeout_seconds")),
            ("zebra", None),
        ] {
            assert_eq!(nearest(given, keys()), meant, "{given}");
        }
    }
}
