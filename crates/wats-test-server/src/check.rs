//! The one promise that every test of crashes, disks and networks looks at: every report arrives, and none under two
//! identifiers.

use std::collections::{BTreeMap, BTreeSet};

use crate::traffic::Arrival;

/// What is wrong with the reports that the server keeps: nothing, if each of these serial numbers is there under
/// exactly one id, whatever how often, and no other is there.
///
/// # Errors
/// Says what is missing, what is there under several ids, and what nobody sent; at most ten of each.
pub fn each_once<'a>(
    arrivals: &[Arrival],
    serial_numbers: impl IntoIterator<Item = &'a str>,
) -> Result<(), String> {
    let expected: BTreeSet<&str> = serial_numbers.into_iter().collect();
    let mut kept: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for arrival in arrivals {
        if let Some((id, _)) = &arrival.stored {
            kept.entry(arrival.serial_number.as_deref().unwrap_or_default()).or_default().insert(id);
        }
    }
    let missing = expected.iter().filter(|serial| !kept.contains_key(*serial)).map(|s| (*s).to_owned());
    let twice = kept
        .iter()
        .filter(|(_, ids)| ids.len() > 1)
        .map(|(serial, ids)| format!("{serial} ({})", ids.iter().copied().collect::<Vec<_>>().join(", ")));
    let foreign = kept.keys().filter(|serial| !expected.contains(*serial)).map(|s| (*s).to_owned());
    let faults: Vec<String> = [
        ("never arrived", missing.collect::<Vec<_>>()),
        ("arrived under several ids", twice.collect()),
        ("were never sent", foreign.collect()),
    ]
    .into_iter()
    .filter(|(_, which)| !which.is_empty())
    .map(|(what, which)| {
        let (shown, more) = (which.len().min(10), which.len().saturating_sub(10));
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{} of {} {what}: {}{more}", which.len(), expected.len(), which[..shown].join(", "))
    })
    .collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
}
