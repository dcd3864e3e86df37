//! What people are told of the schedule.

use super::{IN_A_ROW, SLOW, Schedule};
use crate::upload::case::Case;

impl Schedule {
    /// Ten were refused in a row: what to tell people.
    pub fn slow(&self) -> Option<String> {
        (self.in_a_row >= IN_A_ROW).then(|| {
            format!(
                "the server has refused the last {} reports, and none was accepted since: {}; one is sent every {} \
                 seconds; correct what the server complains of",
                self.in_a_row,
                self.last_refusal,
                SLOW.as_secs()
            )
        })
    }

    /// The suspects that people must know of: how many, and the one that has waited longest.
    pub fn troubled(&self) -> Option<(usize, i64, &Case)> {
        let troubled =
            || self.cases.iter().filter(|(_, case)| !case.parked && (case.stays || case.tries > 1));
        let (seq, case) = troubled().min_by_key(|(seq, case)| (case.since, *seq))?;
        Some((troubled().count(), seq, case))
    }

    /// The parked reports: how many, and the one that was parked last.
    pub fn parked(&self) -> Option<(usize, i64, &Case)> {
        let (count, seq) = self.cases.parked();
        let seq = seq?;
        Some((count, seq, self.cases.get(seq)?))
    }

    /// Whether what people see has changed. Says so once.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }
}
