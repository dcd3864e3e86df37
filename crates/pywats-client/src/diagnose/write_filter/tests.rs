//! The samples were written by hand in the form of the output that public descriptions show; none was
//! recorded on a machine of ours.

use super::*;

/// One session's part of the output.
fn part(name: &str, state: &str, volumes: &[(&str, &str, &[&str])], keys: &[&str]) -> String {
    let volumes: String = volumes
        .iter()
        .map(|(drive, state, exclusions)| {
            let id = "3f1e2d4c-0000-0000-0000-100000000000";
            let listed: String = exclusions.iter().map(|path| format!("    {path}\r\n")).collect();
            format!(
                "Volume {id} [{drive}]\r\n    Volume state:     {state}\r\n    Volume ID:        {id}\r\n\r\n    \
                 File Exclusions:\r\n{name} Session Exclusions for Volume {id} [{drive}]\r\n{listed}\r\n\r\n"
            )
        })
        .collect();
    let keys: String = keys.iter().map(|key| format!("    {key}\r\n")).collect();
    format!(
        "{name} Session Settings\r\n\r\nFILTER SETTINGS\r\n    Filter state:    {state}\r\n    Pending commit:  N/A\r\n\
         \r\nSERVICING SETTINGS\r\n    Servicing State: OFF\r\n\r\nOVERLAY SETTINGS\r\n    Type:               RAM\r\n    \
         Maximum size:       1024 MB\r\n\r\nVOLUME SETTINGS\r\n{volumes}REGISTRY EXCLUSIONS\r\n{keys}\r\n"
    )
}

fn output(current: &str, next: &str) -> String {
    let heading = "Unified Write Filter Configuration Utility version 10.0.19041\r\n\
                   Copyright (C) Microsoft Corporation. All rights reserved.\r\n\r\n";
    format!("{heading}{current}\r\n{next}")
}

const DATA: &str = r"C:\ProgramData\pyWATS";
const KEY: &str = r"HKLM\SOFTWARE\Policies\Virinco\pyWATS Client";

/// Fails if: a setting is read wrongly, or one is invented where a line says that there is none.
#[test]
fn settings_are_read() {
    let volumes: &[(&str, &str, &[&str])] = &[
        ("C:", "Protected", &[DATA, r"\Windows\Temp"]),
        ("D:", "Un-protected", &["*** No file exclusions"]),
        ("", "Un-protected", &[]),
    ];
    let current = part("Current", "ON", volumes, &[r"HKLM\SYSTEM\CurrentControlSet\Services\W32Time"]);
    let next = part("Next", "OFF", &[], &["*** No registry exclusions"]);
    let volume = |drive: &str, protected, exclusions: &[&str]| Volume {
        drive: drive.to_owned(),
        protected,
        exclusions: exclusions.iter().map(|path| (*path).to_owned()).collect(),
    };
    let expected = Settings {
        current: Session {
            on: true,
            volumes: vec![
                volume("C:", true, &[DATA, r"C:\Windows\Temp"]),
                volume("D:", false, &[]),
                volume("", false, &[]),
            ],
            keys: vec![r"HKLM\SYSTEM\CurrentControlSet\Services\W32Time".to_owned()],
        },
        next: Session::default(),
    };
    let text = output(&current, &next);
    assert_eq!(parse(&text), Some(expected));
    // Into a pipe the program writes UTF-16.
    for mark in ["", "\u{feff}"] {
        let bytes: Vec<u8> = format!("{mark}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&bytes), text);
    }
    assert_eq!(decode(text.as_bytes()), text);
    assert_eq!(decode(b""), "");
    for other in ["", "Access denied", &current, &next, &text.replace("Filter state", "Filterstatus")] {
        assert_eq!(parse(other), None, "{other}");
    }
}

/// Fails if: a folder whose content would be lost goes unnoticed, the command that keeps it is not exact, or
/// a folder that is safe is complained of.
#[test]
fn exclusions_are_advised() {
    let on = |volumes| part("Next", "ON", volumes, &[]);
    let off = part("Current", "OFF", &[], &[]);
    let bare: &[(&str, &str, &[&str])] = &[("C:", "Protected", &[]), ("D:", "Un-protected", &[])];
    let excluded: &[(&str, &str, &[&str])] = &[("C:", "Protected", &[r"c:\programdata\PYWATS\"])];
    let deeper: &[(&str, &str, &[&str])] = &[("C:", "Protected", &[r"C:\ProgramData\pyWATS\watch"])];
    let unprotected: &[(&str, &str, &[&str])] = &[("C:", "Un-protected", &[])];
    let now_bare = part("Current", "ON", bare, &[]);
    let add = |folder: &str| format!("uwfmgr.exe file add-exclusion \"{folder}\"");
    type Folders = &'static [&'static str];
    // The sessions, the folders, the commands to add, and how many findings there are.
    let cases: [(&str, String, Folders, Vec<String>, usize); 12] = [
        (&off, on(bare), &[DATA], vec![add(DATA)], 1),
        (&off, on(excluded), &[DATA], vec![], 0),
        (&off, on(deeper), &[DATA], vec![add(DATA)], 1),
        (&off, on(unprotected), &[DATA], vec![], 0),
        (&off, part("Next", "OFF", bare, &[]), &[DATA], vec![], 0),
        (&now_bare, on(excluded), &[DATA], vec![], 1),
        (&now_bare, part("Next", "OFF", bare, &[]), &[DATA], vec![], 1),
        (
            &off,
            on(bare),
            &[DATA, r"C:\ProgramData\pyWATS\watch", r"C:\In", r"D:\Out"],
            vec![add(DATA), add(r"C:\In")],
            2,
        ),
        (
            &off,
            on(bare),
            &[r"C:\ProgramData\pyWATS2", DATA],
            vec![add(r"C:\ProgramData\pyWATS2"), add(DATA)],
            2,
        ),
        (&off, on(bare), &[DATA, r"c:\programdata\pywats"], vec![add(DATA)], 1),
        (&off, on(bare), &[r"\\server\share", r"D:\"], vec![], 0),
        (&off, on(bare), &[r"C:\"], vec![], 1),
    ];
    for (current, next, folders, commands, findings) in cases {
        let folders: Vec<String> = folders.iter().map(|folder| (*folder).to_owned()).collect();
        let told =
            Filter::Told { command: "uwfmgr.exe get-config".to_owned(), output: output(current, &next) };
        let section = section(&told, &Wanted { folders: folders.clone(), policies: false });
        let mut report = crate::diagnose::report::Report::default();
        assert_eq!(section.findings().len(), findings, "{folders:?}: {:?}", section.findings());
        report.add(section);
        let json = report.json();
        let advised = json["write_filter"].get("exclusions_to_add").cloned().unwrap_or_else(|| json!([]));
        assert_eq!(advised, json!(commands), "{folders:?}");
        assert_eq!(json["write_filter"].get("then").is_some(), !commands.is_empty());
    }
}

/// Fails if: policies are not kept where the filter is on, the key is advised where that changes nothing, or
/// passes for something that must be done.
#[test]
fn the_key_of_policies_is_advised() {
    let off = part("Current", "OFF", &[], &[]);
    for (state, keys, policies, advised) in [
        ("ON", &[][..], true, true),
        ("ON", &[], false, false),
        ("OFF", &[], true, false),
        ("ON", &[r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies"], true, false),
        ("ON", &[KEY], true, false),
    ] {
        let next = part("Next", state, &[], keys);
        let told = Filter::Told { command: "x".to_owned(), output: output(&off, &next) };
        let section = section(&told, &Wanted { folders: vec![], policies });
        assert_eq!(section.findings(), [""; 0]);
        let mut report = crate::diagnose::report::Report::default();
        report.add(section);
        let command = format!("uwfmgr.exe registry add-exclusion \"{KEY}\"");
        assert_eq!(report.text().contains(&command), advised, "{}", report.text());
    }
}

/// Fails if: an answer in another language, or none, passes for a filter that is off.
#[test]
fn what_is_not_understood_is_told() {
    let wanted = Wanted { folders: vec![DATA.to_owned()], policies: false };
    let told = |output: &str| Filter::Told {
        command: "uwfmgr.exe get-config".to_owned(),
        output: output.to_owned(),
    };
    for (filter, findings, part) in [
        (Filter::NoneHere, 0, ""),
        (Filter::Unknown("denied".to_owned()), 1, "denied"),
        (told("Aktuelle Sitzung\r\n  Filterstatus: EIN"), 1, "uwfmgr.exe get-config"),
        (told(""), 1, "uwfmgr.exe get-config"),
    ] {
        let section = section(&filter, &wanted);
        assert_eq!(section.findings().len(), findings, "{filter:?}");
        assert!(section.findings().iter().all(|text| text.contains(part)), "{:?}", section.findings());
    }
}
