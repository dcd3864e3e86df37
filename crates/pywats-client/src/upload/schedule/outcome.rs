//! What becomes of a report, carried out: it is judged, and what follows is noted.

use super::{
    Asked, Busy, Fate, IN_A_ROW, Moment, Refusal, SLOW, Schedule, alone_for, counts_as_refused, is_noted,
    parked_for,
};
use crate::upload::case::{Case, class_of};
use crate::upload::judge::{self, Again, Answer, Because, Context, Others, Proof, Then, judge};
use crate::upload::order::Order;
use crate::upload::pause::{LONGEST_ASKED, News, Pause, Reason, Tried};
use std::time::{Duration, Instant};
use wats::{Failure, FailureKind};

impl Schedule {
    /// Takes the refusals that arrived before.
    pub(super) fn take_unproven(&mut self, before: Order) -> Vec<Refusal> {
        let (taken, left) = std::mem::take(&mut self.unproven)
            .into_iter()
            .partition(|refusal| refusal.asked.arrived < before);
        self.unproven = left;
        taken
    }

    pub(super) fn told_to_wait(&mut self, seq: i64, asked: Asked) {
        let before = self.busy.get(&seq).copied();
        let times = match before {
            // Others have passed it: it is not the server that is busy.
            _ if self.is_known(seq) => judge::BUSY_ALONE,
            Some(before) if self.accepted > before.arrived => before.times + 1,
            Some(before) => before.times,
            None => 1,
        };
        self.busy.insert(seq, Busy { times, arrived: asked.arrived });
    }

    pub(super) fn conclude(
        &mut self,
        mut refusal: Refusal,
        proof: Proof,
        others: bool,
        moment: Moment,
    ) -> (i64, Fate) {
        if proof == Proof::No
            && let Some(no_way) = refusal.denied.take_if(|failure| failure.kind == FailureKind::Unreachable)
        {
            // Nobody is there any more who could say what that answer means.
            refusal.failure = no_way;
        }
        if proof == Proof::Yes && counts_as_refused(refusal.failure.kind) && !self.is_known(refusal.seq) {
            self.refused.insert(refusal.seq, refusal.asked.arrived);
        }
        let then = self.judged(&refusal, proof, others, moment);
        self.carry_out(then, refusal, proof == Proof::Yes, moment)
    }

    /// Whether others have passed this report before: then what it meets is no sign of an outage.
    pub(super) fn is_known(&self, seq: i64) -> bool {
        self.cases.get(seq).is_some_and(Case::is_known)
    }

    /// How much this report tells, in a pause.
    fn tells(&self, seq: i64) -> Tried {
        Tried { different: self.different(), first_time: self.cases.get(seq).is_none() }
    }

    pub(super) fn judged(&self, refusal: &Refusal, proof: Proof, others: bool, moment: Moment) -> Then {
        let Refusal { seq, asked, failure, at, .. } = refusal;
        let mut context = self.context(*seq, proof, self.others(asked.arrived, others));
        if let Some(before) = self.cases.get(*seq).filter(|before| before.kind == class_of(failure.kind)) {
            context.alone = alone_for(before, moment.wall);
            if before.arrived.is_some() && before.status == failure.status {
                context.refused_before = Some(at.saturating_duration_since(before.at));
                context.accepted_between = before.passed;
            }
        }
        judge(Answer::Failed { kind: failure.kind, status: failure.status }, &context)
    }

    pub(super) fn context(&self, seq: i64, proof: Proof, others: Others) -> Context {
        Context {
            proof,
            others,
            refused_before: None,
            accepted_between: false,
            alone: Duration::ZERO,
            busy: self.busy.get(&seq).map_or(0, |busy| busy.times),
            parked: self.cases.get(seq).is_some_and(|case| case.parked),
            trust_answer: self.trust_answer,
        }
    }

    pub(super) fn others(&self, arrived: Order, waiting: bool) -> Others {
        if self.accepted > arrived {
            Others::Pass
        } else if self.refused.len() >= judge::DIFFERENT {
            Others::Refused
        } else if waiting {
            Others::NotTried
        } else {
            Others::NoneWaiting
        }
    }

    pub(super) fn carry_out(
        &mut self,
        then: Then,
        refusal: Refusal,
        proven: bool,
        moment: Moment,
    ) -> (i64, Fate) {
        let seq = refusal.seq;
        if matches!(then, Then::Suspect(_) | Then::Park | Then::Fail) {
            self.probe_did_not_pass(seq, refusal.asked, moment);
        }
        let fate = match then {
            Then::Deliver => {
                self.forget(seq);
                Fate::Delivered
            }
            Then::ReadBack => Fate::ReadBack,
            Then::Fail => {
                self.refused_for_good(&refusal, moment.now);
                Fate::Failed(refusal.failure)
            }
            Then::Suspect(again) => self.suspect(&refusal, again, moment),
            Then::Park => self.park(&refusal, moment),
            Then::Pause(because) => {
                if proven && because == Because::Trouble {
                    self.nobody_passes();
                }
                self.tried.insert(seq, refusal.asked.arrived);
                let tried = self.tells(seq);
                self.pause_for(
                    Reason::Because(because),
                    &refusal.failure,
                    refusal.asked,
                    proven,
                    tried,
                    moment,
                );
                if proven {
                    self.suspect(&refusal, Again::BackOff, moment)
                } else {
                    self.give_back(seq, moment.now)
                }
            }
            Then::AllWait(asked) => {
                self.tried.insert(seq, refusal.asked.arrived);
                self.wait_for(asked, &refusal, moment);
                self.give_back(seq, moment.now)
            }
            // It was asked already, or the answer came by itself.
            Then::Prove => self.give_back(seq, moment.now),
        };
        (seq, fate)
    }

    /// The version came in a pause because of what was not proven.
    pub(super) fn server_is_back(&mut self, asked: Asked, now: Instant) {
        if let Some(pause) = &mut self.pause
            && pause.since < asked.began
            && !pause.proven
        {
            pause.ends(now);
            self.tried.clear();
            self.changed = true;
        }
    }

    /// A report found out about the server in a pause: it answers, but did not take this one.
    fn probe_did_not_pass(&mut self, seq: i64, asked: Asked, moment: Moment) {
        let Some(mut pause) = self.pause.take_if(|pause| asked.began >= pause.since) else { return };
        if pause.reason == Reason::Busy && !pause.is_over {
            pause.ends(moment.now);
            self.tried.clear();
            self.changed = true;
        }
        if pause.is_over {
            self.tried.insert(seq, asked.arrived);
        }
        pause.not_passed(self.tells(seq), self.waits, moment.now, moment.chance);
        self.pause = Some(pause);
    }

    /// It is the server, for all: what was held against single reports was not their fault.
    pub(super) fn nobody_passes(&mut self) {
        let alone: Vec<i64> =
            self.cases.iter().filter(|(_, case)| case.alone && !case.parked).map(|(seq, _)| seq).collect();
        for seq in alone {
            self.cases.change(seq, |case| case.alone = false);
        }
    }

    pub(super) fn suspect(&mut self, refusal: &Refusal, again: Again, moment: Moment) -> Fate {
        let Refusal { seq, asked, at, failure, .. } = refusal;
        let mut case = Case::new(failure, asked.arrived, *at, moment.wall, self.cases.get(*seq));
        case.passed = self.accepted > asked.arrived;
        if case.passed && case.kind == FailureKind::Trouble && !case.alone {
            case.alone = true;
            case.since = moment.wall;
        }
        case.stays = again == Again::Longest;
        case.until = match again {
            Again::BackOff => {
                moment.now + self.waits.back_off(case.tries, moment.chance).max(asked_for(failure))
            }
            Again::OnceMore => *at + judge::ONCE_MORE,
            Again::Longest => moment.now + self.waits.longest(moment.chance),
        };
        let kept = is_noted(&case).then(|| case.to_suspicion());
        self.cases.put(*seq, case);
        self.changed = true;
        Fate::Held(kept)
    }

    pub(super) fn park(&mut self, refusal: &Refusal, moment: Moment) -> Fate {
        let Refusal { seq, asked, at, failure, .. } = refusal;
        let mut case = Case::new(failure, asked.arrived, *at, moment.wall, self.cases.get(*seq));
        if !case.parked {
            case.since = moment.wall;
        }
        case.parked = true;
        case.passed = true;
        case.until = moment.now + parked_for(&case);
        let kept = case.to_suspicion();
        self.cases.put(*seq, case);
        self.changed = true;
        Fate::Held(Some(kept))
    }

    /// Nothing is known about a report: it waits as before.
    pub fn give_back(&mut self, seq: i64, now: Instant) -> Fate {
        match self.cases.get(seq).map(is_noted) {
            None => Fate::Waits,
            Some(true) => {
                let until = now + self.waits.initial;
                self.not_sent(seq, until);
                Fate::Held(None)
            }
            Some(false) => {
                self.cases.remove(seq);
                Fate::Waits
            }
        }
    }

    pub(super) fn refused_for_good(&mut self, refusal: &Refusal, now: Instant) {
        let known = self.is_known(refusal.seq);
        self.forget(refusal.seq);
        if known || self.accepted > refusal.asked.arrived {
            return;
        }
        self.in_a_row += 1;
        if self.in_a_row >= IN_A_ROW {
            self.slow_until = Some(now + SLOW);
            self.last_refusal.clone_from(&refusal.failure.message);
            self.changed = true;
        }
    }

    pub(super) fn wait_for(&mut self, wait: Option<Duration>, refusal: &Refusal, moment: Moment) {
        let news = News {
            reason: Reason::Busy,
            why: refusal.failure.message.clone(),
            began: refusal.asked.began,
            arrived: refusal.asked.arrived,
            proven: true,
            asked: wait,
            tried: self.tells(refusal.seq),
        };
        self.begin_pause(news, moment);
    }

    pub(super) fn pause_for(
        &mut self,
        reason: Reason,
        failure: &Failure,
        asked: Asked,
        proven: bool,
        tried: Tried,
        moment: Moment,
    ) {
        let wait = match failure.kind {
            FailureKind::Busy { retry_after } => retry_after,
            _ => None,
        };
        let news = News {
            reason,
            why: failure.message.clone(),
            began: asked.began,
            arrived: asked.arrived,
            proven,
            asked: wait,
            tried,
        };
        self.begin_pause(news, moment);
    }

    pub(super) fn begin_pause(&mut self, news: News, moment: Moment) {
        self.changed = true;
        self.pause = Some(Pause::new(self.pause.take(), news, self.waits, moment.now, moment.chance));
    }
}

/// How long the server wants a report to wait.
fn asked_for(failure: &Failure) -> Duration {
    match failure.kind {
        FailureKind::Busy { retry_after } => retry_after.unwrap_or_default().min(LONGEST_ASKED),
        _ => Duration::ZERO,
    }
}
