//! Whether a server would take a report, by its published rules.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

use serde_json::{Value, json};
use std::path::Path;
use wats::report::rules::{Verdict, check};
use wats::{Identity, Rules};

fn good() -> Value {
    json!({
        "type": "T", "pn": "PN-1", "sn": "SN-1", "rev": "A", "processCode": 10, "result": "P",
        "machineName": "STATION", "location": "Lab", "purpose": "Test", "start": "2026-01-30T22:01:41+01:00",
        "uut": { "user": "ola" },
        "root": { "name": "Main", "group": "M", "status": "P", "steps": [
            { "name": "Voltage", "group": "M", "status": "P", "numericMeas": [{ "status": "P", "compOp": "GELE" }] }
        ] }
    })
}

/// Fails if: a fault is not found, has no place, or a good report has one.
#[test]
fn finds_faults() {
    for (pointer, value, wanted) in [
        ("/type", json!("X"), Some(("/type", "type: \"X\" is none of the letters"))),
        ("/pn", json!(""), Some(("/pn", "pn: empty"))),
        ("/rev", json!("x".repeat(101)), Some(("/rev", "rev: 101 characters"))),
        ("/location", json!(null), Some(("/location", "location: missing"))),
        ("/processCode", json!("ten"), Some(("/processCode", "processCode: no whole number"))),
        ("/result", json!("D"), Some(("/result", "result: \"D\""))),
        ("/sn", json!(12), None),
        ("/uut", json!(null), Some(("/uut", "uut: missing"))),
        ("/root/group", json!("X"), Some(("/root/group", "group: \"X\""))),
        ("/root/steps/0/status", json!("OK"), Some(("/root/steps/0/status", "status: \"OK\""))),
        ("/root/steps/0/name", json!(""), Some(("/root/steps/0/name", "name: empty"))),
        (
            "/root/steps/0/numericMeas/0/compOp",
            json!("~"),
            Some(("/root/steps/0/numericMeas/0/compOp", "compOp")),
        ),
        ("/root/steps/0/numericMeas", json!({}), Some(("/root/steps/0/numericMeas", "numericMeas: no list"))),
        ("/root/steps/0/status", json!("S"), None),
    ] {
        let mut report = good();
        *report.pointer_mut(pointer).unwrap() = value;
        let text = serde_json::to_string_pretty(&report).unwrap();
        let Verdict::Sent { faults, repairs } = check(text.as_bytes(), &Rules::default()) else { panic!() };
        assert!(repairs.is_empty(), "{repairs:?}");
        match (wanted, &faults[..]) {
            (None, []) => {}
            (Some((place, what)), [fault]) => {
                assert_eq!(fault.pointer, place);
                assert!(fault.what.starts_with(what), "{fault:?}");
                let (line, column) = fault.position.unwrap();
                let name = place.rsplit('/').next().unwrap();
                let line = text.lines().nth(line - 1).unwrap();
                assert!(line.contains(name) || line.contains('{'), "{place}: {line}");
                assert!(column <= line.len(), "{place}");
                assert!(
                    !place.starts_with("/root/steps")
                        || fault.steps == "Main -> Voltage"
                        || place == "/root/steps/0/name",
                    "{fault:?}"
                );
            }
            _ => panic!("{pointer}: {faults:?}"),
        }
    }
}

/// Fails if: the indices of a loop that a server refuses are not found.
#[test]
fn finds_wrong_loops() {
    for (numbers, passes) in [
        (json!({ "num": 3, "endingIndex": 2, "passed": 3, "failed": 0 }), true),
        (json!({ "num": 3, "endingIndex": 3 }), false),
        (json!({ "idx": 0 }), true),
        (json!({ "idx": -1 }), false),
    ] {
        let mut report = good();
        report["root"]["steps"][0]["loop"] = numbers.clone();
        assert_eq!(check(report.to_string().as_bytes(), &Rules::default()).passes(), passes, "{numbers}");
    }
}

/// Fails if: what the station fills in counts as missing, or what cannot be taken in is called good.
#[test]
fn judges_what_would_be_sent() {
    let mut report = good();
    report.as_object_mut().unwrap().shift_remove("location");
    let rules =
        Rules::default().at_station(Identity { location: Some("Asker".to_owned()), ..Identity::default() });
    let verdict = check(report.to_string().as_bytes(), &rules);
    assert!(verdict.passes(), "{verdict:?}");
    assert!(matches!(verdict, Verdict::Sent { repairs, .. } if repairs.len() == 1));
    for bytes in [&b""[..], b"{", b"[]", b"{\"sn\":\"1\"}"] {
        assert!(matches!(check(bytes, &rules), Verdict::Refused(_)));
    }
}

/// Fails if: a real repair report is found faulty.
#[test]
fn real_reports() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/uur_example.json");
    let verdict = check(&std::fs::read(path).unwrap(), &Rules::default());
    assert!(verdict.passes(), "{verdict:#?}");
}
