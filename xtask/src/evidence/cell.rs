//! What a cell of the table comes to, and how that is shown.

use super::claims::{BUILT, Claims, Kind, Place, Platform, Proof};
use super::record::{Record, State, Verdict};
use anyhow::Result;

/// What a cell comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    NotTested,
    Elsewhere,
    Incomplete,
    StandIn,
    Bench,
    Real,
    Failed,
    /// There is nothing to test.
    Without,
}

/// A cell: what it comes to, and each proof with its place and what is known of it.
pub(crate) struct Cell<'a> {
    pub(crate) mark: Mark,
    pub(crate) proofs: Vec<(&'a Place, &'a Proof, Option<&'a Verdict>)>,
    /// Why there is nothing to test, or which files are built.
    pub(crate) note: String,
}

impl Record {
    /// What is known of a deed on a platform.
    ///
    /// # Errors
    /// If the claims name what they do not have.
    pub(crate) fn cell<'a>(
        &'a self,
        claims: &'a Claims,
        platform: &'a Platform,
        deed: &str,
    ) -> Result<Cell<'a>> {
        let mut cell = Cell { mark: Mark::NotTested, proofs: Vec::new(), note: String::new() };
        if let Some(reason) = platform.without.get(deed) {
            cell.mark = Mark::Without;
            cell.note.clone_from(reason);
        }
        if deed == BUILT && self.is_built(platform) {
            cell.mark = Mark::Bench;
            let files = platform.artifacts.iter().map(|name| self.artifacts[name].file.as_str());
            cell.note = files.collect::<Vec<_>>().join(", ");
        }
        for name in platform.cells.get(deed).into_iter().flatten() {
            let (proof, place) = claims.proof(name, platform)?;
            let verdict = self.verdict(platform, deed, proof, place);
            if let Some(verdict) = verdict {
                cell.mark = cell.mark.max(Mark::of(verdict.state, place.kind));
            }
            cell.proofs.push((place, proof, verdict));
        }
        Ok(cell)
    }
}

impl Mark {
    /// What the state of a proof comes to in a place.
    pub(crate) fn of(state: State, kind: Kind) -> Mark {
        match (state, kind) {
            (State::Failed, _) => Mark::Failed,
            (State::Incomplete, _) => Mark::Incomplete,
            (State::Elsewhere, _) => Mark::Elsewhere,
            (State::Passed, Kind::Real) => Mark::Real,
            (State::Passed, Kind::Bench) => Mark::Bench,
            (State::Passed, Kind::StandIn) => Mark::StandIn,
        }
    }

    /// Every mark, as a legend tells them.
    pub(crate) const ALL: [Mark; 8] = [
        Mark::Real,
        Mark::StandIn,
        Mark::Bench,
        Mark::Failed,
        Mark::Incomplete,
        Mark::Elsewhere,
        Mark::NotTested,
        Mark::Without,
    ];

    /// A sign that can be told from the others without color.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Mark::Real => "●",
            Mark::StandIn => "◐",
            Mark::Bench => "■",
            Mark::Failed => "✗",
            Mark::Incomplete => "◔",
            Mark::Elsewhere => "↺",
            Mark::NotTested => "–",
            Mark::Without => "·",
        }
    }

    /// A word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Mark::Real => "real",
            Mark::StandIn => "stand-in",
            Mark::Bench => "done",
            Mark::Failed => "failed",
            Mark::Incomplete => "in part",
            Mark::Elsewhere => "outdated",
            Mark::NotTested => "not tested",
            Mark::Without => "none",
        }
    }

    /// A name for style sheets.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Mark::Real => "real",
            Mark::StandIn => "stand-in",
            Mark::Bench => "bench",
            Mark::Failed => "failed",
            Mark::Incomplete => "incomplete",
            Mark::Elsewhere => "elsewhere",
            Mark::NotTested => "not-tested",
            Mark::Without => "without",
        }
    }

    /// What it means.
    pub(crate) fn means(self) -> &'static str {
        match self {
            Mark::Real => "passed on the platform's own system, or in a virtual machine with it",
            Mark::StandIn => "passed on a stand-in for the system only",
            Mark::Bench => "done; this needs no system of the platform",
            Mark::Failed => "at least one case failed",
            Mark::Incomplete => "not every case ran",
            Mark::Elsewhere => "tried, but with another commit, changed sources or other files",
            Mark::NotTested => "nobody tested it",
            Mark::Without => "there is nothing to test",
        }
    }
}
