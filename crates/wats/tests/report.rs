//! The report model against real reports, generated reports and everything that must be refused.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use wats::{Kind, Report, ReportError, Verdict};

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
    Report::parse(text.as_bytes())
}

/// Fails if: a field of a real test report is read wrongly, or a byte of the report is lost.
#[test]
fn reads_a_real_test_report() {
    let bytes = fixture("uut-wsjf-export.json");
    let report = Report::parse(&bytes).unwrap();
    assert_eq!(report.id(), Some("33a2d408-3fc8-480b-b554-6866c77fd91c".parse().unwrap()));
    assert_eq!(report.kind(), Kind::Test);
    assert_eq!(report.part_number(), "FATPartNo");
    assert_eq!(report.serial_number(), "FATTest-325");
    assert_eq!(report.revision(), "Rev1");
    assert_eq!(report.process_code(), 10);
    assert_eq!(report.result(), Verdict::Failed);
    assert_eq!(report.machine_name(), "OLALAPTOP");
    assert_eq!(report.location(), "Drammen, Norway");
    assert_eq!(report.purpose(), "Testing");
    assert_eq!(report.start(), "2026-01-30T21:01:41.4707353Z".parse().unwrap());
    assert_eq!(report.to_bytes(), bytes);
    assert_eq!(report.into_bytes(), bytes);
}

/// Fails if: a real repair report, which has no steps, is refused or changed.
#[test]
fn reads_a_real_repair_report() {
    let bytes = fixture("uur_example.json");
    let report = Report::parse(&bytes).unwrap();
    assert_eq!((report.kind(), report.process_code(), report.result()), (Kind::Repair, 500, Verdict::Passed));
    assert_eq!(report.to_bytes(), bytes);
}

/// Fails if: notation that carries meaning (or that only a rewrite would change) does not survive.
#[test]
fn keeps_every_notation() {
    let odd = "{ \"unknown\" : null,\r\n\t\"type\":\"T\",\"pn\":\"P\\u004e\\/\",\"sn\":\"S\",\"rev\":\"1\",\
        \"processCode\":10,\"result\":\"P\",\"machineName\":\"Å\u{1F600}\",\"location\":\"L\",\"purpose\":\"P\",\
        \"start\":\"2026-01-30T22:01:41Z\",\"numbers\":[1.0,1,1e5,1E+05,-0,-0.0,12345678901234567890,1e999],\
        \"text\":[\"NaN\",\"Inf\",\"-Inf\"],\"$serde_json::private::Number\":\"1\",\
        \"root\":{\"stepType\":\"NI_NeverSeen\",\"new\":{\"a\":null}} }\n";
    let report = parse(odd).unwrap();
    assert_eq!(report.part_number(), "PN/");
    assert_eq!(report.to_bytes(), odd.as_bytes());

    let sent = report.with_id(ID).into_bytes();
    assert_eq!(String::from_utf8(sent).unwrap(), odd.replacen('{', &format!("{{\"id\":\"{ID}\","), 1));
}

/// Fails if: a byte order mark, or the UTF-16 that PowerShell writes, keeps a good report out.
#[test]
fn reads_the_encodings_of_windows_tools() {
    let text = valid().to_string().replace("Lab", "Ås 😀");
    let utf16 = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<_>>();
    let cases = [
        ("UTF-8", text.clone().into_bytes()),
        ("UTF-8 with mark", [&b"\xEF\xBB\xBF"[..], text.as_bytes()].concat()),
        ("UTF-16LE", [b"\xFF\xFE".to_vec(), utf16(u16::to_le_bytes)].concat()),
        ("UTF-16BE", [b"\xFE\xFF".to_vec(), utf16(u16::to_be_bytes)].concat()),
    ];
    for (name, bytes) in cases {
        let report = Report::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(report.location(), "Ås 😀", "{name}");
        assert_eq!(report.to_bytes(), text.as_bytes(), "{name}");
    }
}

/// Fails if: an id is set in the wrong place, or setting it changes anything else.
#[test]
fn sets_the_id() {
    let rest = valid().to_string();
    let rest = &rest[1..];
    for id in [
        "null",
        "\"\"",
        "\" \"",
        "\"00000000-0000-0000-0000-000000000000\"",
        "\"33A2D408-3FC8-480B-B554-6866C77FD91C\"",
        "\"{33a2d408-3fc8-480b-b554-6866c77fd91c}\"",
    ] {
        let text = format!("{{ \"a\": \"\\\"id\\\": 1\", \"id\" : {id} , {rest}");
        let report = parse(&text).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(report.id().is_some(), id.contains("33"), "{id}");
        // Twice: the second id may not find the place of the first by its old length.
        let report = report.with_id(Uuid::max()).with_id(ID);
        assert_eq!(report.id(), Some(ID), "{id}");
        assert_eq!(
            String::from_utf8(report.to_bytes()).unwrap(),
            text.replacen(id, &format!("\"{ID}\""), 1),
            "{id}"
        );
        assert_eq!(Report::parse(&report.to_bytes()).unwrap(), report, "{id}");
    }
    let report = parse(&valid().to_string()).unwrap().with_id(Uuid::max()).with_id(ID);
    assert_eq!(Report::parse(&report.to_bytes()).unwrap(), report);
}

/// Fails if: a field that routing or the server need is missing or wrong and the report passes, or
/// the error does not name the field and the problem.
#[test]
fn refuses_wrong_fields() {
    let cases: Vec<(&str, Option<Value>, &str)> = vec![
        ("type", None, "missing"),
        ("type", Some(json!(null)), "missing"),
        ("type", Some(json!("X")), "\"X\"; a report is a test"),
        ("type", Some(json!("t")), "\"t\""),
        ("type", Some(json!(1)), "the number 1; expected text"),
        ("root", None, "missing; a test report needs the steps of its test"),
        ("root", Some(json!(null)), "missing"),
        ("root", Some(json!([])), "not an object"),
        ("root", Some(json!("{")), "not an object"),
        ("pn", None, "missing; a report needs the part number of the unit"),
        ("sn", None, "missing; a report needs the serial number of the unit"),
        ("sn", Some(json!("")), "empty"),
        ("sn", Some(json!(" \t")), "empty"),
        ("sn", Some(json!(5)), "the number 5; expected text"),
        ("sn", Some(json!({"a": 1})), "an object; expected text"),
        ("sn", Some(json!(["a"])), "a list; expected text"),
        ("sn", Some(json!(true)), "true; expected text"),
        ("rev", None, "missing"),
        ("rev", Some(json!("é".repeat(101))), "101 characters; a server takes at most 100"),
        ("machineName", None, "missing"),
        ("location", None, "missing"),
        ("purpose", None, "missing"),
        ("result", None, "missing"),
        ("result", Some(json!("Passed")), "\"Passed\"; a report states"),
        ("result", Some(json!("x".repeat(5000))), "…"),
        ("processCode", None, "missing"),
        ("processCode", Some(json!("10")), "the text \"10\"; a report needs the code of its operation"),
        ("processCode", Some(json!(10.5)), "the number 10.5"),
        ("processCode", Some(json!(3_000_000_000_u32)), "the number 3000000000"),
        ("id", Some(json!("abc")), "\"abc\"; the id of a report is a UUID"),
        ("id", Some(json!(7)), "the number 7; expected text"),
        ("start", None, "missing"),
        ("start", Some(json!("2026-01-30T22:01:41")), "as ISO 8601 with UTC offset"),
        ("start", Some(json!("2026-01-30")), "UTC offset"),
        ("start", Some(json!("yesterday")), "\"yesterday\""),
        ("start", Some(json!("2026-13-30T22:01:41Z")), "UTC offset"),
        ("start", Some(json!("2026-01-30T22:01:41+01:00[Europe/Oslo]")), "UTC offset"),
        ("start", Some(json!(1_769_806_901)), "expected text"),
    ];
    for (name, value, reason) in cases {
        let error = Report::parse(&with(name, value.clone()))
            .expect_err(&format!("{name} = {value:?} must be refused"));
        assert_eq!(error.field_path(), name, "{error}");
        assert!(error.reason().contains(reason), "{name} = {value:?}: {error}");
        assert!(error.to_string().starts_with(&format!("field \"{name}\": ")), "{error}");
        assert!(error.to_string().len() < 400, "{error}");
    }
    let repair = String::from_utf8(with("type", Some(json!("R")))).unwrap();
    assert_eq!(
        parse(&repair).unwrap_err().to_string(),
        "field \"uur\": missing; a repair report needs its repair"
    );
}

/// Fails if: a limit is off by one, or a field that is nobody's business keeps a report out.
#[test]
fn accepts_what_is_unusual_but_right() {
    let cases: Vec<(&str, Option<Value>)> = vec![
        ("sn", Some(json!("é".repeat(100)))),
        ("sn", Some(json!("a*%?/\\[]^!"))),
        ("processCode", Some(json!(0))),
        ("processCode", Some(json!(i32::MAX))),
        ("start", Some(json!("2026-01-30T22:01:41-00:30"))),
        ("start", Some(json!("2026-01-30 22:01:41.1234567Z"))),
        ("start", Some(json!("0001-01-01T00:00:00+00:00"))),
        ("uur", Some(json!(null))),
        ("subUnits", Some(json!(null))),
        ("miscInfos", Some(json!("of another shape"))),
        ("id", None),
    ];
    for (name, value) in cases {
        let bytes = with(name, value.clone());
        let report = Report::parse(&bytes).unwrap_or_else(|error| panic!("{name} = {value:?}: {error}"));
        assert_eq!(report.to_bytes(), bytes);
    }
}

/// Fails if: something that is not one unambiguous JSON object passes, panics, or is refused with
/// an error that does not help to find it.
#[test]
fn refuses_what_is_not_one_json_object() {
    let good = valid().to_string();
    let inside = |root: &str| good.replace("\"root\":{}", &format!("\"root\":{root}")).into_bytes();
    let deep = format!("{{\"steps\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", b"".to_vec(), "empty; a report is one JSON object"),
        ("white space", b" \n".to_vec(), "empty"),
        ("only a mark", b"\xEF\xBB\xBF".to_vec(), "empty"),
        ("list of reports", format!("[{good}]").into_bytes(), "a list; write each report"),
        ("XML", b"<Reports/>".to_vec(), "XML or HTML"),
        ("text", b"\"T\"".to_vec(), "one JSON object"),
        ("number", b"7".to_vec(), "one JSON object"),
        ("null", b"null".to_vec(), "one JSON object"),
        ("empty object", b"{}".to_vec(), "field \"type\": missing"),
        ("cut off", good.as_bytes()[..good.len() - 9].to_vec(), "the file is cut off"),
        ("cut in text", b"{\"type\":\"T\",\"pn\":\"PN".to_vec(), "line 1, column 20: field \"pn\": EOF"),
        ("two objects", format!("{good}{good}").into_bytes(), "trailing characters"),
        ("trailing comma", inside("{\"a\":1,}"), "field \"root\": trailing comma"),
        ("comment", inside("{} /* x */"), "line 1, column"),
        ("single quotes", b"{'type':'T'}".to_vec(), "line 1, column 2"),
        (
            "bare NaN",
            inside("{\"steps\":[{\"value\":1},{\"value\":NaN}]}"),
            "field \"root/steps/1/value\": expected value; NaN",
        ),
        ("bare Inf", inside("{\"value\":-Inf}"), "field \"root/value\": "),
        ("leading zero", inside("{\"value\":01}"), "field \"root/value\": "),
        ("control character", inside("{\"a\":\"x\u{1}\"}"), "field \"root/a\": control character"),
        ("half a surrogate", inside("{\"a\":\"\\ud800\"}"), "field \"root/a\": "),
        (
            "field given twice",
            good.replace("\"rev\"", "\n\"sn\":\"SN-2\",\"rev\"").into_bytes(),
            "line 2, column 4: field \"sn\": given twice",
        ),
        ("given twice, escaped", inside("{\"a\":1,\"\\u0061\":2}"), "field \"root/a\": given twice"),
        ("given twice, deep", inside("{\"s\":[{},{\"a\":1,\"a\":1}]}"), "field \"root/s/1/a\": given twice"),
        ("nested too deep", inside(&deep), "recursion limit exceeded"),
        ("not UTF-8", b"{\n\"pn\":\"\xE5\"}".to_vec(), "line 2, column 7: not UTF-8"),
        ("half a UTF-16 unit", b"\xFF\xFE{\0}".to_vec(), "damaged UTF-16"),
        ("half a UTF-16 pair", b"\xFF\xFE\x00\xD8".to_vec(), "damaged UTF-16"),
        ("UTF-32", b"\xFF\xFE\0\0{\0\0\0".to_vec(), "UTF-32"),
        ("binary", vec![0; 64], "line 1, column 1"),
    ];
    for (name, bytes, wanted) in cases {
        let error = Report::parse(&bytes).expect_err(name).to_string();
        assert!(error.contains(wanted), "{name}: {error}");
        assert!(error.len() < 400, "{name}: {error}");
        assert!(!error.contains(char::is_control), "{name}: {error}");
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
        let parsed = parse(&text).unwrap();
        prop_assert_eq!(parsed.to_bytes(), text.as_bytes());
        let sent: Value = serde_json::from_slice(&parsed.with_id(ID).into_bytes()).unwrap();
        report["id"] = json!(ID.to_string());
        prop_assert_eq!(sent, report);
    }

    /// Fails if: any input makes the parser panic.
    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..300) {
        let _ = Report::parse(&bytes);
        let mut report = valid().to_string().into_bytes();
        report.truncate(cut);
        report.extend_from_slice(&bytes);
        let _ = Report::parse(&report);
    }
}
