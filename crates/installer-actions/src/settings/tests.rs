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
            r"C:\token" => Found::File(20),
            r"C:\empty" => Found::File(0),
            r"C:\large" => Found::File(1 << 20),
            r"C:\locked" => Found::Denied,
            r"C:\bad disk" => Found::Unreadable("data error".to_owned()),
            r"C:\link" => Found::Link,
            r"C:\tools" | r"D:\ours" => names(&["other.exe"]),
            r"C:\pywats" | r"C:\planted" => names(&["Client.EXE", "other"]),
            r"C:\new" | r"C:\planted empty" => names(&[]),
            _ => Found::Nothing,
        }
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

const DATA: &str = "switch|SWITCH\nurl|URL\nsecret-file|SECRET\nfolder|FOLDER\nown-folder|OWN|client.exe|EARLIER|Ours\n\
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
        ("URL", "x.example", "with its scheme"),
        ("URL", "https:///path", "with its scheme"),
        ("URL", "https://x example", "with its scheme"),
        ("URL", "https://u:p@x.example", "leave user name"),
        ("URL", "https://x|y", "no value can have"),
        ("SECRET", r"C:\token", ""),
        ("SECRET", r"\\server\share\token", "no such file"),
        ("SECRET", "token", "whole path"),
        ("SECRET", r"C:\empty", "empty"),
        ("SECRET", r"C:\large", "1048576 bytes"),
        ("SECRET", r"C:\locked", ""),
        ("SECRET", r"C:\bad disk", "data error"),
        ("SECRET", r"C:\new", "no file"),
        ("FOLDER", r"D:\Prüf Stand", ""),
        ("FOLDER", r"\\server\share", ""),
        ("FOLDER", "Reports", "whole path"),
        ("FOLDER", r"C:\token", "this is a file"),
        ("FOLDER", r"C:\link", "this is a link"),
        ("OWN", r"D:\py WATS\", ""),
        ("OWN", r"C:\new\", ""),
        ("OWN", r"C:\pywats\", ""),
        ("OWN", r"D:\ours\", ""),
        ("OWN", r"C:\tools\", r"such as C:\tools\pyWATS"),
        ("OWN", r"C:\planted\", "an ordinary user made the folder"),
        ("OWN", r"C:\planted empty\", "an ordinary user made the folder"),
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
        let problems = problems(DATA, &Station([(property, value)].into()));
        if complaint.is_empty() {
            assert!(problems.is_empty(), "{property}={value}: {problems:?}");
        } else {
            assert_eq!(problems.len(), 1, "{property}={value}: {problems:?}");
            let start = format!("{property}={}", value.trim_end_matches('\\'));
            let sentence = problems[0].on_command_line();
            assert!(sentence.starts_with(&start) && sentence.contains(complaint), "{sentence}");
        }
    }
    for (property, value, count) in [
        ("URL", "x", 0),
        ("SECRET", r"C:\gone", 0),
        ("FOLDER", "Reports", 0),
        ("SWITCH", "yes", 1),
        ("OWN", r"C:\tools\", 1),
    ] {
        let station = Station([(property, value), ("CONFIGURED", "")].into());
        assert_eq!(problems(DATA, &station).len(), count, "{property}={value}, with a configuration");
    }
    let url = &problems(DATA, &Station([("URL", "x")].into()))[0];
    assert!(url.in_dialog("URL|Server address\n").starts_with("Server address \u{201c}x\u{201d}: write"));
    assert_eq!(url.in_dialog("OTHER|Else\n"), url.on_command_line());
    let long = "Prüfstand-7.production-site-1.manufacturing.example-company.com";
    let problem = &problems(DATA, &Station([("URL", long)].into()))[0];
    let start = "Server \u{201c}Prüfstand-7.production-site-1.manufacturing.exam\u{2026}\u{201d}: ";
    assert!(problem.in_dialog("URL|Server\n").starts_with(start), "{}", problem.in_dialog("URL|Server\n"));
    let own = |value, earlier| problems(DATA, &Station([("OWN", value), ("EARLIER", earlier)].into()));
    assert!(own(r"C:\tools\", r"c:\Tools").is_empty(), "its own folder, without the program");
    assert_eq!(own(r"C:\tools\", r"C:\pywats").len(), 1);
    assert_eq!(own(r"C:\link\", r"C:\link").len(), 1);
    let both = Station([("ACCOUNT", r"PLANT\station"), ("PASSWORD", "x")].into());
    assert!(problems(DATA, &both).is_empty());
}
