//! Reports, and the edits that are kept of them.

use uuid::Uuid;
use wats::{Edits, Report, Rules};

/// Fails if: any file makes the reader panic; what is sent for a report is not a report of the same
/// unit, time and id that needs no more edits, or is not the same each time; a part of a report counts as
/// damaged instead of cut off; or any text makes edits panic.
#[test]
fn reports() {
    let rules = Rules::in_time_zone("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    fuzz::run("reports", |input| {
        edits_of_text(input);
        match Report::parse(input, &rules) {
            Err(error) => fuzz::way((error.field_path().len().min(8), error.is_incomplete()), error.reason()),
            Ok(report) => {
                is_sent_well(input, &report, &rules);
                is_known_in_part(input, &rules);
                let edits = report.edits();
                fuzz::way((edits.is_empty(), report.id().is_some()), &edits.notes().concat())
            }
        }
    });
}

fn is_sent_well(input: &[u8], report: &Report, rules: &Rules) {
    let mut edits = report.edits();
    let id = report.id().unwrap_or(Uuid::max());
    if report.id().is_none() {
        edits.set_id(id);
    }
    let kept = Edits::from_text(&edits.to_text()).unwrap();
    assert_eq!(kept, edits);
    let sent = kept.apply(input.to_vec()).unwrap();
    assert_eq!(edits.apply(input.to_vec()).unwrap(), sent);
    let again = Report::parse(&sent, rules).unwrap_or_else(|error| panic!("what is sent: {error}"));
    assert_eq!(
        (again.id(), again.serial_number(), again.start()),
        (Some(id), report.serial_number(), report.start())
    );
    assert!(again.edits().is_empty(), "edited again: {:?}", again.edits());
    assert_eq!(Report::parse(input, rules).unwrap(), *report);
}

fn is_known_in_part(input: &[u8], rules: &Rules) {
    let filling = |byte: &u8| byte.is_ascii_whitespace() || matches!(*byte, 0 | 0x1A);
    let end = input.len() - input.iter().rev().take_while(|byte| filling(byte)).count();
    // Another place each time, and for one input the same.
    let cut =
        input.iter().fold(input.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)))
            % end;
    let error = Report::parse(&input[..cut], rules).expect_err("a part of a report");
    assert!(error.is_incomplete(), "cut at {cut}: {error}");
}

fn edits_of_text(input: &[u8]) {
    let Ok(edits) =
        std::str::from_utf8(input).map_err(drop).and_then(|text| Edits::from_text(text).map_err(drop))
    else {
        return;
    };
    assert_eq!(Edits::from_text(&edits.to_text()), Ok(edits.clone()));
    // Any of these may not fit; none may panic.
    for file in [&b""[..], b"{}", "{\"é\":NaN,\"sn\":\"1\"}".as_bytes(), b"\xFF\xFE{\0}\0\0\0", input] {
        let _ = edits.apply(file.to_vec());
    }
}
