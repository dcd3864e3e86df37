use super::*;
use std::collections::BTreeMap;

struct Station(BTreeMap<&'static str, &'static str>);

impl System for Station {
    fn property(&self, name: &str) -> String {
        self.0.get(name).copied().unwrap_or_default().to_owned()
    }

    fn look(&self, path: &str) -> Found {
        let names = |names: &[&str]| Found::Folder(names.iter().map(|name| (*name).to_owned()).collect());
        match path {
            _ if FILES.iter().any(|(file, _)| *file == path) => Found::File,
            r"C:\locked" => Found::Denied,
            r"C:\bad disk" => Found::Unreadable("data error".to_owned()),
            r"C:\link" => Found::Link,
            r"C:\tools" | r"D:\ours" => names(&["other.exe"]),
            r"C:\pywats" | r"C:\planted" => names(&["Client.EXE", "other"]),
            r"C:\new" | r"C:\planted empty" => names(&[]),
            _ => Found::Nothing,
        }
    }

    fn read(&self, path: &str, most: usize) -> Result<Vec<u8>, String> {
        let (_, content) = FILES.iter().find(|(file, _)| *file == path).ok_or("no such file")?;
        Ok(content.iter().copied().take(most + 1).collect())
    }

    fn account_exists(&self, name: &str) -> bool {
        name.ends_with("station") || name.ends_with("station$")
    }

    fn is_planted(&self, path: &str) -> bool {
        path.starts_with(r"C:\planted")
    }

    fn account_of(&self, _service: &str) -> Option<String> {
        Some(r"PLANT\old station".to_owned())
    }

    fn windows_folder(&self) -> String {
        r"C:\Windows\".to_owned()
    }

    fn is_configured(&self) -> bool {
        self.0.contains_key("CONFIGURED")
    }
}

/// Files and what is in them.
const FILES: &[(&str, &[u8])] = &[
    (r"C:\token", b"c3RhdGlvbjpzZWNyZXQ=\r\n"),
    ("C:/token", b"c3RhdGlvbjpzZWNyZXQ="),
    (r"C:\utf-8", b"\xef\xbb\xbfc3RhdGlvbjpzZWNyZXQ=\n"),
    (r"C:\utf-16", b"\xff\xfeO\0g\0=\0=\0\r\0\n\0"),
    (r"C:\utf-16 be", b"\xfe\xff\0O\0g\0=\0="),
    (r"C:\no mark", b"O\0g\0=\0=\0"),
    (r"C:\basic", b"Basic c3RhdGlvbjpzZWNyZXQ="),
    (r"C:\empty", b""),
    (r"C:\large", &[b'a'; (64 << 10) + 1]),
];

const DATA: &str = "switch|SWITCH\nurl|URL\nsecret-file|SECRET\nfolder|FOLDER|Data|OWN|done|logs\nown-folder|OWN|client.exe|EARLIER|Ours|Data\n\
                    data-folder|Data\naccount|ACCOUNT|PASSWORD|svc\n";

/// Fails if: a value that cannot work is let through, one that works is refused, or the sentence does not
/// name property and value.
#[test]
fn finds_what_is_wrong() {
    for (property, value, complaint) in [
        ("SWITCH", "", ""),
        ("SWITCH", "0", ""),
        ("SWITCH", "yes", "write 1 for yes"),
        ("URL", "https://x.example", ""),
        ("URL", "http://[::1]:8080/wats", ""),
        ("URL", "HTTPS://WATS.CORP", ""),
        ("URL", "https://x.example/api/", ""),
        ("URL", "x.example", "write it as in https://company.wats.com"),
        ("URL", "ftp://x.example", "does not start with https:// or http://"),
        ("URL", "https://", "cannot be read"),
        ("URL", "https://x example", "cannot be read"),
        ("URL", "https://h:99999", "cannot be read: invalid port number"),
        ("URL", "https://x.example/?a=b", "holds a query"),
        ("URL", "https://u:p@x.example", "holds a user name or password"),
        ("URL", "https://x|y", "no value can have"),
        ("SECRET", r"C:\token", ""),
        ("SECRET", r"\\server\share\token", "no such file"),
        ("SECRET", "C:/token", ""),
        ("SECRET", r"C:\utf-8", ""),
        ("SECRET", r"C:\utf-16", ""),
        ("SECRET", r"C:\utf-16 be", ""),
        ("SECRET", r"C:\no mark", "the file holds zero bytes, as UTF-16 without"),
        ("SECRET", r"C:\basic", "without the word Basic"),
        ("SECRET", "token", "write the full path"),
        ("SECRET", r"C:\empty", "empty"),
        ("SECRET", r"C:\large", "more than 65536 bytes"),
        ("SECRET", r"C:\locked", ""),
        ("SECRET", r"C:\bad disk", "data error"),
        ("SECRET", r"C:\new", "no file"),
        ("FOLDER", r"D:\Prüf Stand", ""),
        ("FOLDER", r"\\server\share", ""),
        ("FOLDER", "D:/Reports", ""),
        ("FOLDER", "Reports", r"write the full path of a folder, such as D:\Reports"),
        ("FOLDER", r"D:\In?", "write the full path of a folder"),
        ("FOLDER", r"C:\token", "this is a file"),
        ("FOLDER", r"C:\link", "this is a link"),
        ("OWN", r"D:\py WATS\", ""),
        ("OWN", r"C:\new\", ""),
        ("OWN", r"C:\pywats\", ""),
        ("OWN", r"D:\ours\", ""),
        ("OWN", r"C:\tools\", r"such as C:\tools\pyWATS"),
        ("OWN", r"C:\planted\", "a standard user made the folder"),
        ("OWN", r"C:\planted empty\", "a standard user made the folder"),
        ("OWN", r"C:\", "on a drive"),
        ("OWN", r"\\server\share\x\", "on a drive"),
        ("OWN", r"c:\windows\pywats\", "Windows' own"),
        ("OWN", r"C:\link\", "this is a link"),
        ("OWN", r"C:\locked\", "access is denied"),
        ("Data", r"C:\link\", "this is a link"),
        ("Data", r"C:\tools\", ""),
        ("ACCOUNT", r"NT SERVICE\svc", ""),
        ("ACCOUNT", r"nt service\other", r"NT SERVICE\svc"),
        ("ACCOUNT", "LocalSystem", ""),
        ("ACCOUNT", r"NT AUTHORITY\LocalService", ""),
        ("ACCOUNT", r"PLANT\station", "SERVICEPASSWORD"),
        ("ACCOUNT", r"PLANT\station$", ""),
        ("ACCOUNT", r"plant\Old Station", ""),
        ("ACCOUNT", r"PLANT\nobody", "no such account"),
        ("ACCOUNT", "station", r"DOMAIN\name"),
    ] {
        let problems = problems(DATA, &Station([(property, value)].into())).unwrap();
        if complaint.is_empty() {
            assert!(problems.is_empty(), "{property}={value}: {problems:?}");
        } else {
            assert_eq!(problems.len(), 1, "{property}={value}: {problems:?}");
            let start = format!("{property}={}", value.trim_end_matches('\\'));
            let sentence = problems[0].on_command_line();
            assert!(sentence.starts_with(&start) && sentence.contains(complaint), "{sentence}");
        }
    }
    let data = |folder| problems(DATA, &Station([("FOLDER", folder), ("Data", r"C:\ours\")].into())).unwrap();
    for (folder, clash) in [
        (r"C:\Ours", "the watch folder and the data folder are the same folder"),
        (r"c:\x\..\ours\.\", "the data folder are the same folder"),
        (r"C:/ours/DONE/", "the folder done in the data folder are the same folder"),
        (r"C:\ours\logs", "the folder logs in the data folder are the same folder"),
    ] {
        assert!(data(folder)[0].reason.contains(clash), "{folder}: {:?}", data(folder));
    }
    assert_eq!(data(r"C:\ours\watch"), []);
    let values = [("OWN", r"D:\py WATS\"), ("FOLDER", r"d:\PY wats\in"), ("Data", r"C:\ours\")];
    assert!(problems(DATA, &Station(values.into())).unwrap()[0].reason.contains("taken for a report"));
    let values = [("OWN", r"c:\OURS\program\"), ("Data", r"C:\ours\")];
    assert!(
        problems(DATA, &Station(values.into())).unwrap()[0].reason.contains("choose another for the program")
    );
    for (property, value, count) in [
        ("URL", "x", 0),
        ("SECRET", r"C:\gone", 0),
        ("SECRET", "gone", 0),
        ("SECRET", r"C:\locked", 0),
        ("SECRET", r"C:\token", 0),
        ("SECRET", r"C:\basic", 1),
        ("FOLDER", "Reports", 0),
        ("SWITCH", "yes", 1),
        ("OWN", r"C:\tools\", 1),
    ] {
        let station = Station([(property, value), ("CONFIGURED", "")].into());
        assert_eq!(
            problems(DATA, &station).unwrap().len(),
            count,
            "{property}={value}, with a configuration"
        );
    }
    let url = &problems(DATA, &Station([("URL", "x")].into())).unwrap()[0];
    let labelled = |data| url.in_dialog(&labels(data).unwrap());
    assert!(labelled("URL|Server address\n").starts_with("Server address \u{201c}x\u{201d}: the"));
    assert_eq!(labelled("OTHER|Else\n"), url.on_command_line());
    let long = "Prüfstand-7.production-site-1.manufacturing.example-company.com";
    let problem = &problems(DATA, &Station([("URL", long)].into())).unwrap()[0];
    let start = "Server \u{201c}Prüfstand-7.production-site-1.manufacturing.exam\u{2026}\u{201d}: ";
    let said = problem.in_dialog(&labels("URL|Server\n").unwrap());
    assert!(said.starts_with(start), "{said}");
    let own =
        |value, earlier| problems(DATA, &Station([("OWN", value), ("EARLIER", earlier)].into())).unwrap();
    assert!(own(r"C:\tools\", r"c:\Tools").is_empty(), "its own folder, without the program");
    assert_eq!(own(r"C:\tools\", r"C:\pywats").len(), 1);
    assert_eq!(own(r"C:\link\", r"C:\link").len(), 1);
    let both = Station([("ACCOUNT", r"PLANT\station"), ("PASSWORD", "x")].into());
    assert!(problems(DATA, &both).unwrap().is_empty());
}

/// Fails if: a check that is not understood is passed over, also where the property is not set.
#[test]
fn refuses_checks_that_it_does_not_know() {
    for record in [
        "switch",
        "switch|",
        "switch|A|B",
        "url|A|B",
        "secret-file|A|B",
        "folder|A|Data",
        "folder|A|Data||x",
        "own-folder|A|B|C|D",
        "own-folder|A|B|C|D|E|F",
        "data-folder|A|B",
        "account|A|B",
        "account|A|B|C|D",
        "Switch|A",
        "port|A",
        "|A",
    ] {
        let reason = problems(&format!("switch|S\n{record}"), &Station([].into())).unwrap_err();
        assert!(reason.contains(&format!("{record:?}")), "{record}: {reason}");
    }
    assert!(problems("", &Station([].into())).unwrap_err().contains("is empty"));
    for data in ["URL", "|Server", "URL|a\nURL|b"] {
        assert!(labels(data).is_err(), "{data}");
    }
}

/// A station that is given one value, for a file with a token in it the path of that file.
struct Given<'a>(&'a str, &'a str, Vec<u8>);

impl System for Given<'_> {
    fn property(&self, name: &str) -> String {
        match name {
            "Data" => r"C:\ProgramData\pyWATS\",
            "token" if self.0 == "token" => r"C:\token",
            _ if name == self.0 => self.1,
            _ => "",
        }
        .to_owned()
    }

    fn look(&self, path: &str) -> Found {
        if path == r"C:\token" { Found::File } else { Found::Nothing }
    }

    fn read(&self, _path: &str, most: usize) -> Result<Vec<u8>, String> {
        Ok(self.2.iter().copied().take(most + 1).collect())
    }

    fn account_exists(&self, _name: &str) -> bool {
        false
    }

    fn is_planted(&self, _path: &str) -> bool {
        false
    }

    fn account_of(&self, _service: &str) -> Option<String> {
        None
    }

    fn windows_folder(&self) -> String {
        String::new()
    }

    fn is_configured(&self) -> bool {
        false
    }
}

/// Fails if: the installer accepts what the client refuses, or the other way round, or says something else of it.
#[test]
fn judges_as_the_client_does() {
    let cases: serde_json::Value =
        serde_json::from_str(include_str!("../../../wats-settings/tests/cases.json")).unwrap();
    let data = "url|url\nsecret-file|token\nfolder|folder|Data|Program|done|failed|logs";
    for case in cases.as_array().unwrap() {
        let text = |name: &str| case[name].as_str().unwrap_or_default();
        let given = text("given");
        let utf16 = |bytes: fn(u16) -> [u8; 2]| given.encode_utf16().flat_map(bytes).collect();
        let file = match text("encoding") {
            "" => given.as_bytes().to_vec(),
            "utf-16le" => utf16(u16::to_le_bytes),
            "utf-16be" => utf16(u16::to_be_bytes),
            "latin-1" => given.chars().map(|c| u8::try_from(c).unwrap()).collect(),
            other => panic!("unknown encoding {other}"),
        };
        let problems = problems(data, &Given(text("kind"), given, file)).unwrap();
        match case["refused"].as_str() {
            None => assert_eq!(problems, [], "{case}"),
            Some(refused) => {
                assert!(problems.len() == 1 && problems[0].reason.contains(refused), "{case}: {problems:?}");
            }
        }
    }
}
