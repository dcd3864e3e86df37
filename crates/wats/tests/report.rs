//! The report model against real reports, generated reports and everything that must be refused.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use wats::{EditError, Edits, Identity, Report, ReportError, Rules};

const ID: Uuid = Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef);

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A small report that is right in every field.
fn valid() -> Value {
    json!({
        "type": "T", "pn": "PN-1", "sn": "SN-1", "rev": "A", "processCode": 10, "result": "P",
        "machineName": "STATION", "location": "Lab", "purpose": "Test",
        "start": "2026-01-30T22:01:41.4707353+01:00", "root": {}
    })
}

/// The report above with one field set, or removed where there is no value.
fn with(name: &str, value: Option<Value>) -> Vec<u8> {
    let mut report = valid();
    let members = report.as_object_mut().unwrap();
    match value {
        Some(value) => members.insert(name.to_owned(), value),
        None => members.shift_remove(name),
    };
    report.to_string().into_bytes()
}

fn parse(text: &str) -> Result<Report, ReportError> {
    read(text.as_bytes())
}

fn read(bytes: &[u8]) -> Result<Report, ReportError> {
    Report::parse(bytes, &rules())
}

/// Those of a station in the middle of Europe, written so that no machine need know its zone.
fn rules() -> Rules {
    Rules::in_time_zone("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
}

/// What is sent for a file.
fn sent(bytes: &[u8]) -> Vec<u8> {
    let edits = read(bytes).unwrap().edits();
    let kept = Edits::from_text(&edits.to_text()).unwrap();
    assert_eq!(kept, edits);
    kept.apply(bytes.to_vec()).unwrap()
}

/// Fails if: a field of a real report is read wrongly, or a byte of the report is lost.
#[test]
fn reads_real_reports() {
    let cases = [
        (
            "uut-wsjf-export.json",
            "33a2d408-3fc8-480b-b554-6866c77fd91c",
            "FATTest-325",
            "2026-01-30T21:01:41.4707353Z",
        ),
        (
            "uur_example.json",
            "83ac0b8e-b575-4004-94de-f905774c3ed8",
            "MODULE-20251221230142-5519",
            "2025-12-21T22:01:45.472254Z",
        ),
    ];
    for (name, id, serial_number, start) in cases {
        let bytes = fixture(name);
        let report = read(&bytes).unwrap();
        assert!(report.edits().is_empty(), "{name}");
        assert_eq!(sent(&bytes), bytes, "{name}");
        assert_eq!(report.id(), Some(id.parse().unwrap()), "{name}");
        assert_eq!(report.serial_number(), serial_number, "{name}");
        assert_eq!(report.start(), start.parse().unwrap(), "{name}");
    }
}

/// Fails if: notation that carries meaning (or that only a rewrite would change) does not survive, or
/// something that only a server can judge keeps a report from it.
#[test]
fn keeps_every_notation() {
    let odd = "{ \"unknown\" : null,\r\n\t\"type\":\"Test\",\"pn\":\"P\\u004e\\/\",\"sn\":\"S\",\
        \"processCode\":\"10\",\"result\":\"Passed\",\"machineName\":\"Å\u{1F600}\",\"location\":null,\
        \"start\":\"2026-01-30T22:01:41\\u002B01:00\",\"numbers\":[1.0,1,1e5,1E+05,-0,-0.0,12345678901234567890,1e999],\
        \"text\":[\"NaN\",\"Inf\",\"[NaN,\\\", NaN\"],\"$serde_json::private::Number\":\"1\",\"half\":\"\\ud800\",\
        \"root\":{\"stepType\":\"NI_NeverSeen\",\"new\":{\"a\":null,\"a\":1}} }\n";
    assert!(parse(odd).unwrap().edits().is_empty());
    let mut edits = parse(odd).unwrap().edits();
    edits.set_id(ID);
    let sent = String::from_utf8(edits.apply(odd.into()).unwrap()).unwrap();
    assert_eq!(sent, odd.replacen('{', &format!("{{\"id\":\"{ID}\","), 1));

    let deep = with("root", Some(json!("DEEP")));
    let deep = String::from_utf8(deep).unwrap();
    let deep = deep.replace("\"DEEP\"", &format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)));
    assert!(parse(&deep).unwrap().edits().is_empty());
}

/// Fails if: an encoding that Windows tools write keeps a good report out, or is sent as it is.
#[test]
fn reads_the_encodings_of_windows_tools() {
    let text = valid().to_string().replace("Lab", "Ås 😀");
    let utf16 = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<_>>();
    let (little, big) = (utf16(u16::to_le_bytes), utf16(u16::to_be_bytes));
    let cases = [
        ("UTF-8", text.clone().into_bytes()),
        ("UTF-8 with mark", [&b"\xEF\xBB\xBF"[..], text.as_bytes()].concat()),
        ("UTF-8 and NUL", [text.as_bytes(), &[0; 100]].concat()),
        ("UTF-8, Ctrl-Z and NUL", [text.as_bytes(), b"\x1A\0\0"].concat()),
        ("UTF-16LE", [b"\xFF\xFE", &little[..]].concat()),
        ("UTF-16BE", [b"\xFE\xFF", &big[..]].concat()),
        ("UTF-16LE without mark", little.clone()),
        ("UTF-16BE without mark", big.clone()),
        ("UTF-16BE and Ctrl-Z, no NUL", [b"\xFE\xFF", &big[..], b"\0\x1A"].concat()),
        ("UTF-16LE and NUL", [b"\xFF\xFE", &little[..], &[0; 101]].concat()),
    ];
    for (name, bytes) in cases {
        let report = read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(report.edits().is_empty(), name == "UTF-8", "{name}");
        assert_eq!(report.edits().notes().len(), usize::from(name.contains("NUL")), "{name}");
        assert_eq!(sent(&bytes), text.as_bytes(), "{name}");
        let mut edits = report.edits();
        edits.set_id(ID);
        let named = edits.apply(bytes).unwrap();
        assert_eq!(read(&named).unwrap().id(), Some(ID), "{name}");
        assert!(read(&named).unwrap().edits().is_empty(), "{name}");
    }
}

/// Fails if: an id is set in the wrong place, setting it changes anything else, or an id is overlooked
/// that a server would take.
#[test]
fn sets_the_id() {
    let rest = valid().to_string();
    let rest = &rest[1..];
    let known: Uuid = "33a2d408-3fc8-480b-b554-6866c77fd91c".parse().unwrap();
    let cases = [
        ("\"id\" : ", "null", None),
        ("\"id\":", "\"\"", None),
        ("\"id\":", "\" \"", None),
        ("\"id\":", "\"00000000-0000-0000-0000-000000000000\"", None),
        ("\"id\":", "\"33A2D408-3FC8-480B-B554-6866C77FD91C\"", Some(known)),
        ("\"id\":", "\"{33a2d408-3fc8-480b-b554-6866c77fd91c}\"", Some(known)),
        ("\"id\":", "\"(33a2d408-3fc8-480b-b554-6866c77fd91c)\"", Some(known)),
        ("\"ID\":", "\"33a2d408-3fc8-480b-b554-6866c77fd91c\"", Some(known)),
        ("\"\\u0049D\" :\n", "\"33a2d408-3fc8-480b-b554-6866c77fd91c\"", Some(known)),
        ("\"Id\" : ", "null", None),
    ];
    for (key, value, id) in cases {
        let text = format!("{{ \"a\": \"\\\"id\\\": 1\", {key}{value} , {rest}");
        let report = parse(&text).unwrap_or_else(|error| panic!("{key}{value}: {error}"));
        assert_eq!(report.id(), id, "{key}{value}");
        let other_name = !key.starts_with("\"id\"");
        assert_eq!(report.edits().is_empty(), !other_name || id.is_none(), "{key}{value}");
        assert_eq!(read(&sent(text.as_bytes())).unwrap().id(), id, "{key}{value}");

        let mut edits = report.edits();
        edits.set_id(Uuid::max());
        edits.set_id(ID);
        let named = String::from_utf8(edits.apply(text.clone().into_bytes()).unwrap()).unwrap();
        let expected = match other_name {
            true => text.replacen(&format!("{key}{value}"), &format!("\"id\":\"{ID}\""), 1),
            false => text.replacen(value, &format!("\"{ID}\""), 1),
        };
        assert_eq!(named, expected, "{key}{value}");
        assert!(parse(&named).unwrap().edits().is_empty(), "{key}{value}");
    }
}

/// Fails if: a start that can be understood is refused or changed more than needed, or the note does not
/// say what was done.
#[test]
fn completes_the_start() {
    let cases = [
        ("2026-01-30T22:01:41.4707353", "2026-01-30T22:01:41.4707353+01:00", "no UTC offset; +01:00"),
        ("2026-07-30T22:01:41", "2026-07-30T22:01:41+02:00", "no UTC offset; +02:00"),
        ("2026-01-30 22:01:41.47", "2026-01-30 22:01:41.47+01:00", "no UTC offset"),
        ("2026-01-30T22:01", "2026-01-30T22:01+01:00", "no UTC offset"),
        (
            "2026-01-30",
            "2026-01-30T00:00:00+01:00",
            "no time of day, its beginning is taken, and no UTC offset",
        ),
        // Put back from 03:00 to 02:00, and forward from 02:00 to 03:00.
        ("2025-10-26T02:30:00", "2025-10-26T02:30:00+02:00", "showed this time twice, the earlier"),
        ("2025-10-26T01:59:59", "2025-10-26T01:59:59+02:00", "no UTC offset"),
        ("2025-10-26T03:00:00", "2025-10-26T03:00:00+01:00", "no UTC offset"),
        ("2026-03-29T02:30:00", "2026-03-29T02:30:00+01:00", "left this time out"),
        ("2026-03-29T03:00:00", "2026-03-29T03:00:00+02:00", "no UTC offset"),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00+01:00", "no UTC offset"),
        ("2026-01-30T22:01:41+1:00", "2026-01-30T22:01:41+01:00", "+1:00 is written with two digits"),
        ("2026-01-30T22:01:41-5:30", "2026-01-30T22:01:41-05:30", "two digits"),
        ("2026-01-30T22:01:41+1", "2026-01-30T22:01:41+01:00", "two digits"),
        ("2026-01-30T22:01:41+01:00[Europe/Oslo]", "2026-01-30T22:01:41+01:00", "[Europe/Oslo] is left out"),
    ];
    for (start, completed, note) in cases {
        let file = with("start", Some(json!(start)));
        let report = read(&file).unwrap_or_else(|error| panic!("{start}: {error}"));
        assert_eq!(sent(&file), with("start", Some(json!(completed))), "{start}");
        assert_eq!(report.start(), completed.parse().unwrap(), "{start}");
        let edits = report.edits();
        let [said] = edits.notes() else { panic!("{start}: {:?}", edits.notes()) };
        assert!(said.contains(note) && said.contains(completed), "{start}: {said}");
        assert_eq!(said.contains("warning"), note.contains("this time"), "{start}: {said}");
        assert!(read(&sent(&file)).unwrap().edits().is_empty(), "{start}");
    }
    for right in [
        "2026-01-30T22:01:41-00:30",
        "2026-01-30 22:01:41.1234567Z",
        "0001-01-01T00:00:00+00:00",
        "2026-01-30T22:01:41+0100",
    ] {
        assert!(read(&with("start", Some(json!(right)))).unwrap().edits().is_empty(), "{right}");
    }
}

/// Fails if: a zone that people write is not understood, or a wrong one is.
#[test]
fn knows_time_zones() {
    let file = with("start", Some(json!("2026-01-30T22:01:41")));
    for (zone, start) in [("UTC", "22:01:41Z"), ("+05:30", "16:31:41Z"), ("-08", "06:01:41Z")] {
        let rules = Rules::in_time_zone(zone).unwrap_or_else(|error| panic!("{error}"));
        let read = Report::parse(&file, &rules).unwrap().start();
        assert!(read.to_string().ends_with(start), "{zone}: {read}");
    }
    Report::parse(&file, &Rules::in_time_zone("system").unwrap()).unwrap();
    for wrong in ["", "Europe/Nowhere", "+26", "+1:00", "local"] {
        let error = Rules::in_time_zone(wrong).expect_err(wrong).to_string();
        assert!(error.contains("is no time zone that this machine knows"), "{error}");
    }
}

/// Fails if: what Python writes for floats is overlooked outside of texts, or touched within.
#[test]
fn quotes_what_is_no_number() {
    let inside = |root: &str| valid().to_string().replace("\"root\":{}", &format!("\"root\":{root}"));
    let cases = [
        ("[NaN]", "[\"NaN\"]", "1 value (the first in line 1) written NaN"),
        ("[1,-Infinity ,\n Infinity\t]", "[1,\"-Infinity\" ,\n \"Infinity\"\t]", "2 values"),
        (
            "{\"NaN\":{\"a\\\\\":NaN,\"b\":\"\\\":NaN,\"}}",
            "{\"NaN\":{\"a\\\\\":\"NaN\",\"b\":\"\\\":NaN,\"}}",
            "1 value",
        ),
    ];
    for (root, expected, note) in cases {
        let file = inside(root);
        assert_eq!(String::from_utf8(sent(file.as_bytes())).unwrap(), inside(expected), "{root}");
        let edits = parse(&file).unwrap().edits();
        assert!(edits.notes()[0].contains(note) && edits.notes().len() == 1, "{root}: {:?}", edits.notes());
        assert!(parse(&inside(expected)).unwrap().edits().is_empty(), "{root}");
    }
    let many = inside(&format!("[{}1]", "NaN,".repeat(5000)));
    assert_eq!(sent(many.as_bytes()), inside(&format!("[{}1]", "\"NaN\",".repeat(5000))).into_bytes());
    // With everything else that there is to do.
    let all = format!(
        "\u{FEFF}{}\0\0",
        inside("[NaN]").replace("+01:00", "").replace("\"sn\"", "\"ID\":null,\"sn\"")
    );
    let mut edits = parse(&all).unwrap().edits();
    edits.set_id(ID);
    assert_eq!(edits.notes().len(), 3);
    let sent = edits.apply(all.into_bytes()).unwrap();
    assert!(read(&sent).unwrap().edits().is_empty());
}

/// Fails if: a field that delivery depends on is missing or wrong and the report passes, or the error
/// does not name the field and the problem.
#[test]
fn refuses_what_cannot_be_told_apart() {
    let cases: Vec<(&str, Option<Value>, &str)> = vec![
        ("sn", None, "missing; a report needs the serial number of the unit"),
        ("sn", Some(json!(null)), "missing"),
        ("sn", Some(json!("")), "empty"),
        ("sn", Some(json!(" \t")), "empty"),
        ("sn", Some(json!({"a": 1})), "an object; expected text"),
        ("sn", Some(json!(["a"])), "a list; expected text"),
        ("sn", Some(json!(true)), "true; expected text"),
        ("id", Some(json!("abc")), "\"abc\"; the id of a report is a UUID"),
        ("id", Some(json!("x".repeat(5000))), "…"),
        ("id", Some(json!(7)), "the number 7; expected text"),
        ("start", None, "missing"),
        ("start", Some(json!("yesterday")), "\"yesterday\"; a report needs its start as ISO 8601"),
        ("start", Some(json!("")), "ISO 8601"),
        ("start", Some(json!("2026-13-30T22:01:41Z")), "ISO 8601"),
        ("start", Some(json!("2026-13-30T22:01:41")), "ISO 8601"),
        ("start", Some(json!("30/01/2026 22:01:41")), "ISO 8601"),
        ("start", Some(json!("20260130T220141")), "ISO 8601"),
        ("start", Some(json!("2026-01-30T22:01:41[Europe/Oslo]")), "ISO 8601"),
        ("start", Some(json!("9999-12-31T23:59:59-10:00")), "ISO 8601"),
        ("start", Some(json!("2026-01-3å")), "ISO 8601"),
        ("start", Some(json!(1_769_806_901)), "expected text"),
    ];
    for (name, value, reason) in cases {
        let error =
            read(&with(name, value.clone())).expect_err(&format!("{name} = {value:?} must be refused"));
        assert_eq!(error.field_path(), name, "{error}");
        assert!(error.reason().contains(reason), "{name} = {value:?}: {error}");
        assert!(error.to_string().starts_with(&format!("field \"{name}\": ")), "{error}");
        assert!(error.to_string().len() < 400, "{error}");
        assert!(!error.is_incomplete(), "{error}");
    }
    for (name, value) in [("id", "NaN"), ("sn", "NaN"), ("start", "-Infinity")] {
        let file = String::from_utf8(with(name, Some(json!("HERE")))).unwrap().replace("\"HERE\"", value);
        let error = parse(&file).expect_err(name);
        assert_eq!((error.field_path(), error.reason()), (name, &*format!("{value}; expected text")));
    }
}

/// Fails if: something that is not one JSON object, or has two identities, passes, panics, or is refused
/// with an error that does not help to find it; or a damaged file is taken for one that is not complete.
#[test]
fn refuses_what_is_not_one_json_object() {
    let good = valid().to_string();
    let inside = |root: &str| good.replace("\"root\":{}", &format!("\"root\":{root}")).into_bytes();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("list of reports", format!("[{good}]").into_bytes(), "a list; write each report"),
        ("XML", b"<Reports/>".to_vec(), "XML or HTML"),
        ("text", [b"\"", &[b'T'; 5000][..], b"\""].concat(), "one JSON object"),
        ("number", b"7".to_vec(), "one JSON object"),
        ("null", b"null".to_vec(), "one JSON object"),
        ("empty object", b"{}".to_vec(), "field \"sn\": missing"),
        ("two objects", format!("{good}{good}").into_bytes(), "trailing characters"),
        ("trailing comma", inside("{\"a\":1,}"), "field \"root\": key must be a string"),
        ("comment", inside("{} /* x */"), "line 1, column"),
        ("single quotes", b"{'type':'T'}".to_vec(), "line 1, column 2"),
        ("bare Inf", inside("{\"value\":-Inf}"), "field \"root\": "),
        ("bare nan", inside("{\"value\":nan}"), "field \"root\": expected"),
        ("part of a word", inside("{\"value\":xNaN}"), "field \"root\": expected value; what is no number"),
        ("word as a name", inside("{NaN:1}"), "field \"root\": key must be a string"),
        ("leading zero", inside("{\"value\":01}"), "field \"root\": "),
        ("control character", inside("{\"a\":\"x\u{1}\"}"), "field \"root\": control character"),
        ("NUL within", inside("{\0}"), "field \"root\": "),
        (
            "two serial numbers",
            good.replace("\"rev\"", "\n\"sn\":\"SN-2\",\"rev\"").into_bytes(),
            "field \"sn\": given twice",
        ),
        (
            "two ids",
            good.replace("\"rev\"", "\"id\":null,\"ID\":null,\"rev\"").into_bytes(),
            "field \"id\": given twice",
        ),
        (
            "two, one escaped",
            good.replace("\"rev\"", "\"s\\u006e\":\"2\",\"rev\"").into_bytes(),
            "field \"sn\": given twice",
        ),
        ("not UTF-8", b"{\n\"pn\":\"\xE5\"}".to_vec(), "line 2, column 7: not UTF-8"),
        ("half a UTF-16 pair", b"\xFF\xFE\x00\xD8a\0".to_vec(), "damaged UTF-16"),
        ("UTF-32", b"\xFF\xFE\0\0{\0\0\0".to_vec(), "UTF-32"),
    ];
    for (name, bytes, wanted) in cases {
        let error = read(&bytes).expect_err(name);
        assert!(!error.is_incomplete(), "{name}: {error}");
        let error = error.to_string();
        assert!(error.contains(wanted), "{name}: {error}");
        assert!(error.len() < 400, "{name}: {error}");
        assert!(!error.contains(char::is_control), "{name}: {error}");
    }
}

/// Fails if: a text that ends too early, wherever it is cut and however it is encoded, counts as damaged;
/// then a file that is still being written is set aside.
#[test]
fn knows_what_ends_too_early() {
    let mut report = valid();
    report["location"] = json!("Ås 😀 \"\n");
    report["root"] = json!({"a": [true, false, null, -1.5e-3, "WORDS"], "b": {}});
    let text = report.to_string().replace("\"WORDS\"", "NaN,Infinity, -Infinity ,\"\\ud83d\\ude00\"");
    assert!(text.contains("-Infinity ,"));
    let utf16 = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<_>>();
    let files = [
        ("UTF-8", text.clone().into_bytes()),
        ("UTF-8 with mark", [&b"\xEF\xBB\xBF"[..], text.as_bytes()].concat()),
        ("UTF-16LE", [b"\xFF\xFE", &utf16(u16::to_le_bytes)[..]].concat()),
        ("UTF-16BE", [b"\xFE\xFF", &utf16(u16::to_be_bytes)[..]].concat()),
    ];
    for (name, file) in files {
        read(&file).unwrap();
        for cut in 0..file.len() {
            let error = read(&file[..cut]).expect_err(name);
            assert!(error.is_incomplete(), "{name} cut at {cut}: {error}");
            // What a power cut leaves of it.
            if name.contains("UTF-8") && std::str::from_utf8(&file[..cut]).is_ok() {
                let error = read(&[&file[..cut], &[0; 64]].concat()).expect_err(name);
                assert!(error.is_incomplete(), "{name} cut at {cut}, NUL behind: {error}");
            }
        }
    }
    for empty in [&b""[..], b" \n", b"\xEF\xBB\xBF", &[0; 1], &[0; 4096], b"\xFF\xFE\0\0\0\0"] {
        let error = read(empty).expect_err("empty");
        assert!(error.is_incomplete(), "{empty:?}: {error}");
    }
}

/// Fails if: edits that wait in a queue cannot be read by a later version, or are applied to a file that
/// they do not fit.
#[test]
fn edits_are_kept_for_years() {
    // Written by 1.0.0-beta.2: never change this text.
    let kept = r#"{"v":1,"form":"utf-8","lead":3,"tail":2,"id":[1,0,"\"id\":",","],"set":"12345678-9abc-4def-8123-456789abcdef","splices":[[5,3,"\"NaN\""],[9,2,"é"]],"notes":["two things"]}"#;
    let edits = Edits::from_text(kept).unwrap();
    assert_eq!(edits.to_text(), kept);
    assert_eq!(edits.notes(), ["two things"]);
    let file = b"\xEF\xBB\xBF{\"a\":NaN,xx}\0\0".to_vec();
    let wanted = format!("{{\"id\":\"{ID}\",\"a\":\"NaN\",é}}");
    assert_eq!(String::from_utf8(edits.apply(file).unwrap()).unwrap(), wanted);

    for other in [&b""[..], b"\xEF\xBB\xBF{\"a\":NaN", &[0x80; 60]] {
        assert_eq!(edits.apply(other.to_vec()), Err(EditError::OtherFile), "{other:?}");
    }
    for (wrong, message) in [
        ("", "cannot be read"),
        ("{}", "cannot be read"),
        ("{\"v\":2}", "version 2, which this program does not know"),
        (&kept.replace("utf-8", "utf-7"), "unknown form"),
        (&kept.replace("[9,2", "[7,2"), "overlap"),
        (&kept.replace("[9,2", "[9,18446744073709551615"), "overlap"),
        (&kept.replace("[1,0,", "[6,0,"), "overlap"),
        (&kept.replace("12345678-", "x"), "cannot be read"),
    ] {
        let error = Edits::from_text(wrong).expect_err(wrong).to_string();
        assert!(error.contains(message), "{wrong}: {error}");
    }
}

/// A station that knows everything.
fn station() -> Identity {
    Identity {
        name: Some("ICT \"3\"".to_owned()),
        location: Some("Asker".to_owned()),
        purpose: Some("Production".to_owned()),
        process_code: Some(20),
        operator: Some("ola".to_owned()),
    }
}

/// What is sent for a file at that station, and the notes.
fn sent_at_station(bytes: &[u8], id: bool) -> (Value, Vec<String>) {
    let rules = rules().at_station(station());
    let mut edits = Report::parse(bytes, &rules).unwrap().edits();
    if id {
        edits.set_id(ID);
    }
    let kept = Edits::from_text(&edits.to_text()).unwrap();
    (serde_json::from_slice(&kept.apply(bytes.to_vec()).unwrap()).unwrap(), kept.notes().to_vec())
}

/// Fails if: a report that names its operation gets the code of another one, or nobody is told.
#[test]
fn a_named_operation_counts_as_said() {
    for (given, code, note) in [
        (json!({ "processName": "SW Debug" }), Value::Null, true),
        (json!({ "processName": "SW Debug", "processCode": 7 }), json!(7), false),
        (json!({ "processName": "" }), json!(20), false),
        (json!({ "processName": null, "processCode": null }), json!(20), false),
    ] {
        let mut report = json!({
            "type": "T", "pn": "P", "rev": "1", "sn": "S", "result": "P",
            "start": "2026-01-02T03:04:05+01:00", "root": { "stepType": "SequenceCall", "name": "R", "status": "P" },
        });
        report.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        let (sent, notes) = sent_at_station(report.to_string().as_bytes(), false);
        assert_eq!(sent.get("processCode").cloned().unwrap_or(Value::Null), code, "{given}");
        assert_eq!(notes.iter().any(|note| note.contains("processName")), note, "{given}: {notes:?}");
    }
}

/// Fails if: what a report lacks of its station is not filled in, what it says is overwritten, a repair gets the code
/// of a test, or a note does not say what was done.
#[test]
fn fills_in_the_station() {
    let notes = |names: &[(&str, &str)]| -> Vec<(String, String)> {
        names.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    };
    for (given, filled) in [
        (
            json!({}),
            notes(&[
                ("machineName", "missing"),
                ("location", "missing"),
                ("purpose", "missing"),
                ("processCode", "missing"),
            ]),
        ),
        (
            json!({ "machineName": "", "location": null, "purpose": " ", "processCode": null }),
            notes(&[
                ("machineName", "empty"),
                ("location", "empty"),
                ("purpose", "empty"),
                ("processCode", "empty"),
            ]),
        ),
        (json!({ "machineName": "X", "location": "L", "purpose": "P", "processCode": 0 }), notes(&[])),
        (
            json!({ "MachineName": "X", "location": "L", "purpose": 3, "processCode": "10", "uut": {} }),
            notes(&[("uut.user", "missing")]),
        ),
        (
            json!({ "machineName": "X", "location": "L", "purpose": "P", "processCode": 1, "uut": { "execTime": 1.0, "user": "" } }),
            notes(&[("uut.user", "empty")]),
        ),
        (
            json!({ "machineName": "X", "location": "L", "purpose": "P", "processCode": 1, "uut": { "user": "kari" } }),
            notes(&[]),
        ),
        (
            json!({ "type": "R", "machineName": "X", "location": "L", "purpose": "P", "uur": { "a": { "user": "x" } } }),
            notes(&[("uur.user", "missing")]),
        ),
        (
            json!({ "machineName": "X", "location": "L", "purpose": "P", "uur": {} }),
            notes(&[("uur.user", "missing")]),
        ),
        (
            json!({ "machineName": "X", "location": "L", "purpose": "P", "processCode": 1, "uut": null }),
            notes(&[]),
        ),
    ] {
        for sn_first in [true, false] {
            let base = json!({ "sn": "1", "start": "2026-01-30T22:01:41+01:00" });
            let mut report = Map::new();
            let parts = if sn_first { [&base, &given] } else { [&given, &base] };
            for part in parts {
                report.extend(part.as_object().unwrap().clone());
            }
            let report = Value::Object(report);
            for (id, text) in
                [(false, report.to_string()), (true, serde_json::to_string_pretty(&report).unwrap())]
            {
                let (sent, notes) = sent_at_station(text.as_bytes(), id);
                let mut wanted = report.clone();
                for (place, _) in &filled {
                    let value = match place.as_str() {
                        "machineName" => json!("ICT \"3\""),
                        "location" => json!("Asker"),
                        "purpose" => json!("Production"),
                        "processCode" => json!(20),
                        _ => json!("ola"),
                    };
                    match place.split_once('.') {
                        Some((head, field)) => wanted[head][field] = value,
                        None => wanted[place] = value,
                    }
                }
                if id {
                    wanted["id"] = json!(ID.to_string());
                }
                assert_eq!(sent, wanted, "{text}");
                assert_eq!(notes.len(), filled.len(), "{notes:?}");
                for ((place, how), note) in filled.iter().zip(&notes) {
                    assert!(
                        note.starts_with(&format!("{place}: {how}; ")) && note.ends_with("is filled in"),
                        "{note}"
                    );
                }
            }
        }
    }
}

/// Fails if: words that are no numbers, an identifier under another name, or one without value get in each other's way
/// with what is filled in.
#[test]
fn fills_in_beside_other_repairs() {
    for text in [
        r#"{"ID":"","sn":"1","start":"2026-01-30","uut":{"execTime":NaN,"user":null},"x":[-Infinity]}"#,
        r#"{"sn":"1","uut":{"execTime":NaN},"Id":"0b1c2d3e-4f5a-4b5c-8d6e-7f8091a2b3c4","start":"2026-01-30"}"#,
    ] {
        let (sent, notes) = sent_at_station(text.as_bytes(), true);
        let names = ["machineName", "location", "purpose", "processCode"];
        assert!(names.iter().all(|name| !sent[*name].is_null()), "{sent}");
        assert_eq!(
            (&sent["uut"]["user"], &sent["uut"]["execTime"]),
            (&json!("ola"), &json!("NaN")),
            "{sent}"
        );
        assert_eq!(sent["id"], json!(ID.to_string()));
        assert!(notes.len() >= 7, "{notes:?}");
    }
}

/// Any JSON value, with texts and names that need escapes.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    /// Fails if: a report changes on its way through, for any content of fields not looked at.
    #[test]
    fn passes_any_report_through(extra in any_json(), root in any_json(), pretty: bool) {
        let mut report = valid();
        report["additionalData"] = extra;
        report["root"] = json!({ "steps": root });
        let text = if pretty { serde_json::to_string_pretty(&report).unwrap() } else { report.to_string() };
        let mut edits = parse(&text).unwrap().edits();
        prop_assert!(edits.is_empty());
        edits.set_id(ID);
        let sent: Value = serde_json::from_slice(&edits.apply(text.into_bytes()).unwrap()).unwrap();
        report["id"] = json!(ID.to_string());
        prop_assert_eq!(sent, report);
    }

    /// Fails if: filling in changes anything of a report but what it lacks, whatever it holds and in which order.
    #[test]
    fn fills_in_nothing_else(
        mut members in prop::collection::btree_map("[a-z]{1,3}", any_json(), 0..5),
        lacking in prop::collection::btree_set(0..4usize, 0..5),
        user in prop::option::of(any_json()),
        before: bool,
    ) {
        members.retain(|name, _| !matches!(name.as_str(), "id" | "sn" | "pn" | "uut" | "uur"));
        let mut report = if before { members.clone().into_iter().collect() } else { Map::new() };
        report.extend(valid().as_object().unwrap().clone());
        let names = ["machineName", "location", "purpose", "processCode"];
        for index in &lacking {
            report.shift_remove(names[*index]);
        }
        report.extend(members);
        let mut uut = Map::new();
        if let Some(user) = &user {
            uut.insert("user".to_owned(), user.clone());
        }
        report.insert("uut".to_owned(), Value::Object(uut));
        let report = Value::Object(report);
        let (sent, notes) = sent_at_station(report.to_string().as_bytes(), true);
        let lacks_user = match &user {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.trim().is_empty(),
            Some(_) => false,
        };
        let mut wanted = report;
        for index in &lacking {
            wanted[names[*index]] = [json!("ICT \"3\""), json!("Asker"), json!("Production"), json!(20)][*index].clone();
        }
        if lacks_user {
            wanted["uut"]["user"] = json!("ola");
        }
        wanted["id"] = json!(ID.to_string());
        prop_assert_eq!(sent, wanted);
        prop_assert_eq!(notes.len(), lacking.len() + usize::from(lacks_user));
    }
}
