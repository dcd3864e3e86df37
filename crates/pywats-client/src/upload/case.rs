//! The reports that wait for a reason of their own: suspects, and parked ones.
//!
//! What lives here is small, for nothing that only waits its turn is in it. Class, number of tries and since
//! when survive a restart ([`Suspicion`]); what was proven does not.

use super::order::Order;
use crate::queue::Suspicion;
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};
use wats::{Failure, FailureKind};

/// How often a parked report is tried.
pub const PARKED: Duration = Duration::from_secs(24 * 60 * 60);
/// How soon one is that was parked after a single refusal: it may have met the last second of some trouble.
pub const PARKED_AT_ONCE: Duration = Duration::from_secs(60 * 60);

/// What is known of one such report.
#[derive(Clone, Debug)]
pub struct Case {
    /// What came.
    pub kind: FailureKind,
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
    /// The answer in one line; after a restart only its class.
    pub why: String,
    /// When it came, in the order of events; `None` if it came in an earlier life of the service.
    pub arrived: Option<Order>,
    /// When it came.
    pub at: Instant,
    /// How often it came.
    pub tries: u32,
    /// Since when: the first time, or since when others pass.
    pub since: Timestamp,
    /// Others pass, while this one meets trouble.
    pub alone: bool,
    /// Others have passed it once: what it meets says nothing about them.
    pub known: bool,
    /// Another report was accepted since it came.
    pub passed: bool,
    /// Only tried daily.
    pub parked: bool,
    /// No other report can tell what the matter is: people must know.
    pub stays: bool,
    /// When it may be sent again.
    pub until: Instant,
    /// It is being sent.
    pub sending: bool,
}

/// All of them, with what is needed to find those that are due without looking at each.
#[derive(Debug, Default)]
pub struct Cases {
    cases: HashMap<i64, Case>,
    /// When each may be sent; without those that are being sent.
    due: BTreeSet<(Instant, i64)>,
    /// When each was refused; without those since whose refusal others have passed.
    unpassed: BTreeSet<(Order, i64)>,
    parked: BTreeSet<(Timestamp, i64)>,
}

impl Cases {
    /// The case of a report.
    pub fn get(&self, seq: i64) -> Option<&Case> {
        self.cases.get(&seq)
    }

    /// All cases, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &Case)> {
        self.cases.iter().map(|(seq, case)| (*seq, case))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.cases.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// Puts a case in place of what was known before.
    pub fn put(&mut self, seq: i64, case: Case) {
        self.remove(seq);
        if !case.sending {
            self.due.insert((case.until, seq));
        }
        if let (Some(arrived), false) = (case.arrived, case.passed) {
            self.unpassed.insert((arrived, seq));
        }
        if case.parked {
            self.parked.insert((case.since, seq));
        }
        self.cases.insert(seq, case);
    }

    /// Forgets a report.
    pub fn remove(&mut self, seq: i64) -> Option<Case> {
        let case = self.cases.remove(&seq)?;
        self.due.remove(&(case.until, seq));
        self.parked.remove(&(case.since, seq));
        if let Some(arrived) = case.arrived {
            self.unpassed.remove(&(arrived, seq));
        }
        Some(case)
    }

    /// Changes what is known of a report.
    pub fn change(&mut self, seq: i64, change: impl FnOnce(&mut Case)) {
        if let Some(mut case) = self.remove(seq) {
            change(&mut case);
            self.put(seq, case);
        }
    }

    /// The one that has been due for longest.
    pub fn due(&self, now: Instant) -> Option<i64> {
        self.due.first().filter(|(until, _)| *until <= now).map(|(_, seq)| *seq)
    }

    /// When the next one is due.
    pub fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(until, _)| *until)
    }

    /// Of those that are due the one that was refused the longest time ago, to find out about the server; no
    /// parked one.
    pub fn oldest(&self, now: Instant) -> Option<i64> {
        let free = self.cases.iter().filter(|(_, case)| !case.parked && !case.sending && case.until <= now);
        free.min_by_key(|(seq, case)| (case.at, **seq)).map(|(seq, _)| *seq)
    }

    /// Those that were refused before another report began that was accepted: they are told once.
    pub fn passed_by(&mut self, began: Order) -> Vec<i64> {
        let later = self.unpassed.split_off(&(began, i64::MIN));
        let passed = std::mem::replace(&mut self.unpassed, later);
        passed.into_iter().map(|(_, seq)| seq).collect()
    }

    /// How many are parked, and the one that was parked last.
    pub fn parked(&self) -> (usize, Option<i64>) {
        (self.parked.len(), self.parked.last().map(|(_, seq)| *seq))
    }
}

impl Case {
    /// A report has been refused; `before` is what was known of it.
    pub fn new(
        failure: &Failure,
        arrived: Order,
        at: Instant,
        wall: Timestamp,
        before: Option<&Case>,
    ) -> Self {
        let kind = class_of(failure.kind);
        let same = before.filter(|before| before.kind == kind);
        Case {
            kind,
            status: failure.status,
            why: failure.message.clone(),
            arrived: Some(arrived),
            at,
            tries: same.map_or(0, |before| before.tries).saturating_add(1),
            since: same.map_or(wall, |before| before.since),
            alone: same.is_some_and(|before| before.alone),
            known: before.is_some_and(Case::is_known),
            passed: false,
            parked: before.is_some_and(|before| before.parked),
            stays: false,
            until: at,
            sending: false,
        }
    }

    /// What was known in an earlier life. `None` if it says nothing to this version.
    pub fn restored(kept: &Suspicion, now: Instant) -> Option<Self> {
        let class = CLASSES.iter().find(|class| class.name == kept.kind)?;
        Some(Case {
            kind: class.kind,
            status: None,
            why: class.meaning.to_owned(),
            arrived: None,
            at: now,
            tries: kept.tries,
            since: kept.since,
            alone: class.alone,
            known: false,
            passed: false,
            parked: kept.parked,
            stays: false,
            until: now,
            sending: false,
        })
    }

    /// Whether others have passed it, now or earlier.
    pub fn is_known(&self) -> bool {
        self.known || self.passed || self.alone || self.parked
    }

    /// What a restart has to know.
    pub fn to_suspicion(&self) -> Suspicion {
        let class = CLASSES.iter().find(|class| class.kind == self.kind && class.alone == self.alone);
        Suspicion {
            kind: class.map_or("trouble", |class| class.name).to_owned(),
            tries: self.tries,
            since: self.since,
            parked: self.parked,
        }
    }
}

/// A report that alone is told to wait, again and again, is trouble.
pub fn class_of(kind: FailureKind) -> FailureKind {
    match kind {
        FailureKind::Busy { .. } => FailureKind::Trouble,
        kind => kind,
    }
}

/// A class of refusals: its name in the database, which stays the same for years, and its meaning.
struct Class {
    name: &'static str,
    kind: FailureKind,
    alone: bool,
    meaning: &'static str,
}

const CLASSES: &[Class] = &[
    Class {
        name: "other_id",
        kind: FailureKind::OtherId,
        alone: false,
        meaning: "the server answered with another identifier and does not have the report",
    },
    Class {
        name: "not_wats",
        kind: FailureKind::NotWats,
        alone: false,
        meaning: "something else than the WATS server answered",
    },
    Class {
        name: "gate",
        kind: FailureKind::Gate,
        alone: false,
        meaning: "something before the WATS server refused it",
    },
    Class {
        name: "refused_blank",
        kind: FailureKind::RefusedBlank,
        alone: false,
        meaning: "it was refused without words",
    },
    Class { name: "trouble", kind: FailureKind::Trouble, alone: false, meaning: "the server failed on it" },
    Class {
        name: "trouble_alone",
        kind: FailureKind::Trouble,
        alone: true,
        meaning: "the server fails on it while others pass",
    },
];

/// What a kind of trouble means that the queue has noted, for people.
pub fn meaning_of(kind: &str) -> &'static str {
    let class = CLASSES.iter().find(|class| class.name == kind);
    class.map_or("it met trouble that this version does not know", |class| class.meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a class or what is known of it does not survive a restart, or a restart takes something for
    /// proven.
    #[test]
    fn what_survives_a_restart() {
        let now = Instant::now();
        let since = Timestamp::from_second(1_700_000_000).unwrap();
        for class in CLASSES {
            for parked in [false, true] {
                let kept = Suspicion { kind: class.name.to_owned(), tries: 3, since, parked };
                let case = Case::restored(&kept, now).unwrap();
                assert_eq!(case.to_suspicion(), kept);
                assert!(case.arrived.is_none() && !case.passed, "proof does not survive");
            }
        }
        let unknown = Suspicion { kind: "later".to_owned(), tries: 1, since, parked: false };
        assert!(Case::restored(&unknown, now).is_none());
    }
}
