//! When to send what, and what becomes of a report: decisions without I/O; time and chance are handed in.
//!
//! [`judge`] says what one answer means; here is what it needs to know: what began after what, who was
//! accepted, which reports were refused. Three rules keep a broken server from being hammered, and a broken
//! report from holding up the others:
//!
//! - In a [`Pause`] one request at a time finds out whether it is over: the version where it was not the WATS
//!   server that answered, else a report that was not tried yet. Each one that does not pass makes the wait
//!   longer; a report that came since waits little ([`Untried`]). Once the version comes, what was tried says
//!   nothing any more, and the pause no longer shows.
//! - A suspect waits by itself ([`Case`]); what was proven of it is judged again once others pass. From then on
//!   what it meets says nothing about the others.
//! - After ten refusals in a row and no acceptance, one report every 30 s.

mod outcome;
mod view;

use super::case::{Case, Cases, PARKED, PARKED_AT_ONCE};
use super::judge::{self, Again, Answer, Context, Others, Proof, Then, judge};
use super::order::Order;
use super::pause::{Pause, Reason, Tried, Waits};
use crate::queue::Suspicion;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};
use wats::{Failure, FailureKind};

/// How many refusals in a row, with none accepted, make uploads slow.
pub const IN_A_ROW: u32 = 10;
/// How slow.
pub const SLOW: Duration = Duration::from_secs(30);
/// How many suspects are sent at once, so that those on which a server hangs leave room for the others.
const SUSPECTS: usize = 2;

/// Time and chance.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// For waits.
    pub now: Instant,
    /// For what survives a restart.
    pub wall: Timestamp,
    /// From 0 to 1.
    pub chance: f64,
}

/// A request about a report, or for the version, and when it was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// When the request began.
    pub began: Order,
    /// When it was answered.
    pub arrived: Order,
}

/// What becomes of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The server has it.
    Delivered,
    /// The server refused it for good.
    Failed(Failure),
    /// The server is to be asked whether it has it.
    ReadBack,
    /// It goes back to its place among those that wait: nothing is known about it.
    Waits,
    /// It stays here; a restart has to know what is given.
    Held(Option<Suspicion>),
    /// It stays where it is, perhaps on its way; a restart has to know what is given.
    Noted(Suspicion),
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing until then, or until something happens.
    Wait(Option<Instant>),
    /// Ask for the version.
    Version,
    /// Send one report, to find out whether the pause is over: one that waits, or else [`Schedule::probe`].
    Probe,
    /// Send reports, up to this many at once: [`Schedule::due`] or those that wait.
    Send(usize),
}

/// What waits that was not tried in this pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untried {
    /// None does.
    Nothing,
    /// Only such as waited when the pause began: in an outage they are many, so they take long turns.
    Waited,
    /// One that came since: it waits for as little as is no burden to a server that refuses all.
    Came,
}

/// A refusal that nobody knows the author of yet.
#[derive(Debug)]
struct Refusal {
    seq: i64,
    asked: Asked,
    at: Instant,
    failure: Failure,
    /// Why the version did not come; what is under way may still prove who said it.
    denied: Option<Failure>,
}

/// How often a report was told to wait.
#[derive(Clone, Copy, Debug)]
struct Busy {
    times: u32,
    arrived: Order,
}

/// See the module.
#[derive(Debug)]
pub struct Schedule {
    waits: Waits,
    trust_answer: bool,
    pause: Option<Pause>,
    unproven: Vec<Refusal>,
    cases: Cases,
    busy: HashMap<i64, Busy>,
    /// The latest beginning of a request that brought an acceptance.
    accepted: Order,
    /// Reports that were refused since, and when.
    refused: BTreeMap<i64, Order>,
    /// Reports that could not be read back since, and when.
    unread: BTreeMap<i64, Order>,
    /// Reports that were refused in this pause, and when: another one tells more.
    tried: BTreeMap<i64, Order>,
    /// Reports that were not held to account once, because all met the same in a pause.
    excused: BTreeSet<i64>,
    in_a_row: u32,
    slow_until: Option<Instant>,
    last_refusal: String,
    /// Answers to what began before belong to other settings.
    settings: Order,
    changed: bool,
}

impl Schedule {
    /// Nothing is known yet.
    pub fn new(waits: Waits, trust_answer: bool) -> Self {
        Schedule {
            waits,
            trust_answer,
            pause: None,
            unproven: Vec::new(),
            cases: Cases::default(),
            busy: HashMap::new(),
            accepted: Order::default(),
            refused: BTreeMap::new(),
            unread: BTreeMap::new(),
            tried: BTreeMap::new(),
            excused: BTreeSet::new(),
            in_a_row: 0,
            slow_until: None,
            last_refusal: String::new(),
            settings: Order::default(),
            changed: true,
        }
    }

    /// What an earlier life knew about a report. `false` if that says nothing: it waits like any other.
    pub fn restore(&mut self, seq: i64, kept: &Suspicion, moment: Moment) -> bool {
        let Some(mut case) = Case::restored(kept, moment.now) else { return false };
        case.until = moment.now + self.waits.back_off(1, moment.chance);
        self.cases.put(seq, case);
        self.changed = true;
        true
    }

    /// The settings have changed: what was refused under the old ones says nothing any more, and everything
    /// is tried at once.
    pub fn settings_changed(
        &mut self,
        waits: Waits,
        trust_answer: bool,
        order: Order,
        now: Instant,
    ) -> Vec<(i64, Fate)> {
        let kept = std::mem::take(&mut self.cases);
        let unproven: Vec<i64> = self.unproven.iter().map(|refusal| refusal.seq).collect();
        let mut free = Vec::new();
        *self = Schedule { settings: order, accepted: self.accepted, ..Schedule::new(waits, trust_answer) };
        for (seq, case) in kept.iter() {
            if is_noted(case) {
                let fresh = Case { arrived: None, passed: false, stays: false, until: now, ..case.clone() };
                self.cases.put(seq, fresh);
            } else if !case.sending {
                free.push(seq);
            }
        }
        free.extend(unproven);
        free.sort_unstable();
        free.dedup();
        free.into_iter().map(|seq| (seq, self.give_back(seq, now))).collect()
    }

    /// What to do next, while `sending` reports are under way and at most `most` may be.
    pub fn turn(&self, now: Instant, sending: usize, most: usize, untried: Untried) -> Turn {
        let careful = self.pause.is_some() || self.in_a_row >= IN_A_ROW;
        if self.is_held() || (careful && !self.unproven.is_empty()) {
            return Turn::Wait(None);
        }
        if let Some(pause) = &self.pause {
            let tried = if pause.is_over { 0 } else { self.tried.len() };
            let few = tried.max(self.refused.len()) < judge::DIFFERENT;
            let tells = match untried {
                Untried::Nothing => false,
                Untried::Waited => few,
                Untried::Came => true,
            };
            let soon = tells && pause.proven && (pause.is_over || pause.reason != Reason::Busy);
            let until = if soon { pause.soon.min(pause.until) } else { pause.until };
            let until = self.slow_until.map_or(until, |slow| until.max(slow));
            return match (now < until, sending, pause.proven) {
                (true, ..) => Turn::Wait(Some(until)),
                (_, 1.., _) => Turn::Wait(None),
                // The version is cheap; but where it fails and reports pass, only a report can tell.
                (_, 0, false) if pause.asks_version() => Turn::Version,
                (_, 0, _) => Turn::Probe,
            };
        }
        let left = IN_A_ROW.saturating_sub(self.in_a_row + self.unproven.len() as u32) as usize;
        match self.slow_until {
            Some(until) if now < until => Turn::Wait(Some(until)),
            _ if self.in_a_row >= IN_A_ROW => Turn::Send(1),
            _ if self.in_a_row > 0 => Turn::Send(most.min(left)),
            _ => Turn::Send(most),
        }
    }

    /// Whether new uploads wait for proof: one refusal does not hold up the others, unless all will wait
    /// whoever said it.
    fn is_held(&self) -> bool {
        let stops =
            |refusal: &Refusal| matches!(refusal.failure.kind, FailureKind::NotWats | FailureKind::Gate);
        self.unproven.len() > 1
            || self.unproven.iter().any(|refusal| refusal.denied.is_some() || stops(refusal))
    }

    /// Whether the server is to be asked for its version at once, because of a refusal.
    pub fn wants_proof(&self) -> bool {
        self.unproven.iter().any(|refusal| refusal.denied.is_none())
    }

    /// Whether all wait, and the reason holds still.
    pub fn pause(&self) -> Option<&Pause> {
        self.pause.as_ref().filter(|pause| !pause.is_over)
    }

    /// Whether nothing speaks against its being the WATS server that answers.
    pub fn is_proven(&self) -> bool {
        self.pause.as_ref().is_none_or(|pause| pause.proven)
    }

    /// A suspect whose time has come.
    pub fn due(&self, now: Instant, suspects_sending: usize) -> Option<i64> {
        if suspects_sending < SUSPECTS { self.cases.due(now) } else { None }
    }

    /// When the next suspect's time comes.
    pub fn next_due(&self) -> Option<Instant> {
        self.cases.next_due()
    }

    /// Whether all may be sent.
    pub fn is_open(&self) -> bool {
        self.pause.is_none()
    }

    /// How many different reports were tried in this pause.
    pub fn different(&self) -> usize {
        self.tried.len().max(self.refused.len())
    }

    /// Whether a report was told to wait so often, while others passed, that this says nothing about them.
    pub fn is_busy_alone(&self, seq: i64) -> bool {
        self.busy.get(&seq).is_some_and(|busy| busy.times >= judge::BUSY_ALONE)
    }

    /// When it was tried in this pause: another one tells more.
    pub fn tried(&self, seq: i64) -> Option<Order> {
        self.tried.get(&seq).copied()
    }

    /// The suspect to find out about the server with, where nobody else waits. Its own wait is kept.
    pub fn probe(&self, now: Instant) -> Option<i64> {
        self.cases.oldest(now).or_else(|| self.cases.due(now))
    }

    /// A suspect is being sent.
    pub fn sending(&mut self, seq: i64) {
        self.cases.change(seq, |case| case.sending = true);
    }

    /// A suspect was not sent after all: its body cannot be read now.
    pub fn not_sent(&mut self, seq: i64, until: Instant) {
        self.cases.change(seq, |case| {
            case.sending = false;
            case.until = until;
        });
    }

    /// A person wants a report to be tried now: what it met counts as over, and no pause waits any longer.
    pub fn hurry(&mut self, seq: i64, now: Instant) {
        self.cases.change(seq, |case| {
            case.arrived = None;
            case.passed = false;
            case.stays = false;
            case.until = now;
        });
        if let Some(pause) = &mut self.pause {
            pause.until = pause.until.min(now);
            pause.soon = pause.soon.min(now);
        }
        self.slow_until = None;
    }

    /// Nothing is left that could tell whether the pause is over.
    pub fn nothing_waits(&mut self) {
        self.changed |= self.pause.take().is_some();
        self.tried.clear();
    }

    /// What was said last about a report that waits for a reason of its own.
    pub fn why(&self, seq: i64) -> Option<&str> {
        self.cases.get(seq).map(|case| case.why.as_str())
    }

    /// A report is not the upload's any more.
    pub fn forget(&mut self, seq: i64) {
        self.changed |= self.cases.remove(seq).is_some();
        self.busy.remove(&seq);
        self.refused.remove(&seq);
        self.unread.remove(&seq);
        self.excused.remove(&seq);
    }

    /// The server has accepted a report. Besides it, those are judged again that it has passed.
    pub fn accepted(&mut self, seq: i64, asked: Asked, moment: Moment) -> Vec<(i64, Fate)> {
        self.forget(seq);
        self.accepted = self.accepted.max(asked.began);
        self.changed |= self.in_a_row > 0;
        self.in_a_row = 0;
        self.slow_until = None;
        self.refused.retain(|_, arrived| *arrived > asked.began);
        self.unread.retain(|_, arrived| *arrived > asked.began);
        let mut was_for_all = false;
        if self.pause.as_ref().is_some_and(|pause| pause.since < asked.began) {
            // Something between may have stopped all of them, which is no report's fault. But if one that was
            // excused for that meets it again, they are several bad ones.
            let again = self.tried.keys().any(|seq| self.excused.contains(seq));
            was_for_all = self.tried.len() >= judge::DIFFERENT && !again;
            self.pause = None;
            self.tried.clear();
            self.changed = true;
        }
        let mut fates = vec![(seq, Fate::Delivered)];
        for refusal in self.take_unproven(asked.began) {
            fates.push(self.conclude(refusal, Proof::Yes, true, moment));
        }
        for seq in self.cases.passed_by(asked.began) {
            let is_free = self.cases.get(seq).is_some_and(|case| !case.sending && !is_noted(case));
            if was_for_all && is_free {
                self.excused.insert(seq);
                fates.push((seq, self.give_back(seq, moment.now)));
            } else {
                fates.extend(self.passed(seq, moment));
            }
        }
        fates
    }

    /// Another report was accepted after this one was refused.
    fn passed(&mut self, seq: i64, moment: Moment) -> Option<(i64, Fate)> {
        let mut case = self.cases.get(seq)?.clone();
        case.passed = true;
        self.changed = true;
        let newly_alone = case.kind == FailureKind::Trouble && !case.alone;
        if newly_alone {
            case.alone = true;
            case.since = moment.wall;
        }
        let context = Context {
            proof: Proof::Yes,
            others: Others::Pass,
            refused_before: None,
            accepted_between: false,
            alone: alone_for(&case, moment.wall),
            busy: 0,
            parked: case.parked,
            trust_answer: false,
        };
        let then = judge(Answer::Failed { kind: case.kind, status: case.status }, &context);
        let parks = then == Then::Park && !case.parked;
        if parks {
            case.parked = true;
            case.since = moment.wall;
            case.until = moment.now + parked_at_first(&case);
            self.excused.remove(&seq);
        }
        if then == Then::Suspect(Again::OnceMore) {
            case.stays = false;
            case.until = case.at + judge::ONCE_MORE;
        }
        let kept = (parks || newly_alone).then(|| case.to_suspicion());
        self.cases.put(seq, case);
        kept.map(|kept| (seq, Fate::Noted(kept)))
    }

    /// The server has not accepted a report. `others` says whether there is another one to try.
    pub fn failed(
        &mut self,
        seq: i64,
        asked: Asked,
        failure: Failure,
        others: bool,
        moment: Moment,
    ) -> Vec<(i64, Fate)> {
        if asked.began < self.settings {
            return vec![(seq, self.give_back(seq, moment.now))];
        }
        if is_busy(failure.kind) {
            self.told_to_wait(seq, asked);
        }
        // Somebody who began later may have been answered earlier.
        let proof = if self.accepted > asked.arrived { Proof::Yes } else { Proof::NotAsked };
        let refusal = Refusal { seq, asked, at: moment.now, failure, denied: None };
        match self.judged(&refusal, proof, others, moment) {
            Then::Prove => {
                self.unproven.push(refusal);
                Vec::new()
            }
            Then::Deliver => self.accepted(seq, asked, moment),
            _ => vec![self.conclude(refusal, proof, others, moment)],
        }
    }

    /// The server was asked for its version. `under_way` says whether reports are: then they may still prove what
    /// the version did not.
    pub fn version(
        &mut self,
        asked: Asked,
        answer: Result<(), &Failure>,
        others: bool,
        under_way: bool,
        moment: Moment,
    ) -> Vec<(i64, Fate)> {
        if asked.began < self.settings {
            return Vec::new();
        }
        match answer {
            Ok(()) => self.server_is_back(asked, moment.now),
            Err(failure) => {
                let asked_after = |refusal: &&mut Refusal| refusal.asked.arrived < asked.began;
                let denied = self.unproven.iter_mut().filter(asked_after);
                denied.for_each(|refusal| refusal.denied = Some(failure.clone()));
                if under_way && !self.unproven.is_empty() {
                    return Vec::new();
                }
            }
        }
        let refusals = self.take_unproven(asked.began);
        let had_refusals = !refusals.is_empty();
        let proof = if answer.is_ok() { Proof::Yes } else { Proof::No };
        let fates =
            refusals.into_iter().map(|refusal| self.conclude(refusal, proof, others, moment)).collect();
        if let (Err(failure), Some(_)) = (answer, &self.pause)
            && (!had_refusals || is_busy(failure.kind))
        {
            let tried = Tried { different: self.different(), first_time: false };
            self.pause_for(reason_of(failure), failure, asked, false, tried, moment);
        }
        fates
    }

    /// No report is under way any more that could prove what the version did not.
    pub fn nothing_under_way(&mut self, others: bool, moment: Moment) -> Vec<(i64, Fate)> {
        let (denied, left) = std::mem::take(&mut self.unproven)
            .into_iter()
            .partition(|refusal: &Refusal| refusal.denied.is_some());
        self.unproven = left;
        denied.into_iter().map(|refusal| self.conclude(refusal, Proof::No, others, moment)).collect()
    }

    /// The server was asked for a report that it had taken under another identifier.
    pub fn read_back(
        &mut self,
        seq: i64,
        asked: Asked,
        there: Result<bool, Failure>,
        others: bool,
        moment: Moment,
    ) -> Vec<(i64, Fate)> {
        if asked.began < self.settings {
            return vec![(seq, self.give_back(seq, moment.now))];
        }
        let (answer, failure) = match there {
            Ok(true) => return self.accepted(seq, asked, moment),
            Ok(false) => (Answer::ReadBack(false), not_there()),
            Err(failure) => (Answer::NotReadBack { status: failure.status }, failure),
        };
        if matches!(failure.status, Some(401 | 403 | 405)) && !self.is_known(seq) {
            self.unread.insert(seq, asked.arrived);
        }
        let count = self.unread.len();
        let context = self.context(
            seq,
            Proof::Yes,
            if count >= judge::DIFFERENT { Others::Refused } else { self.others(asked.arrived, others) },
        );
        let then = judge(answer, &context);
        let kind = FailureKind::OtherId;
        let refusal =
            Refusal { seq, asked, at: moment.now, failure: Failure { kind, ..failure }, denied: None };
        vec![self.carry_out(then, refusal, true, moment)]
    }
}

/// What a restart has to know of. A report that waits in a pause is no suspect.
fn is_noted(case: &Case) -> bool {
    case.parked || !matches!(case.kind, FailureKind::NotWats | FailureKind::Gate)
}

fn is_busy(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Busy { .. })
}

/// Kinds that, from three different reports, speak against the server and not against the reports.
fn counts_as_refused(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::RefusedBlank | FailureKind::Trouble | FailureKind::Busy { .. })
}

fn parked_for(case: &Case) -> Duration {
    if case.tries > 1 { PARKED } else { PARKED_AT_ONCE }
}

/// What stood before the server may have gone since, however often the report met it; a day of trouble while
/// others pass is no chance.
fn parked_at_first(case: &Case) -> Duration {
    if case.kind == FailureKind::Trouble { parked_for(case) } else { PARKED_AT_ONCE }
}

fn alone_for(case: &Case, wall: Timestamp) -> Duration {
    if case.alone {
        Duration::try_from(wall.duration_since(case.since)).unwrap_or_default()
    } else {
        Duration::ZERO
    }
}

fn reason_of(failure: &Failure) -> Reason {
    match failure.kind {
        FailureKind::Busy { .. } => Reason::Busy,
        kind => Reason::Because(judge::unproven(kind, failure.status)),
    }
}

fn not_there() -> Failure {
    Failure {
        kind: FailureKind::OtherId,
        message: "the server answered with another identifier, and has no report with the one that was sent"
            .to_owned(),
        words: None,
        status: Some(404),
    }
}

#[cfg(test)]
mod tests;
