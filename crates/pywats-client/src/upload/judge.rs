//! What an answer means for a report and for the others: one pure function.
//!
//! One answer alone does not tell whether the report is the trouble, the server, or something between. So
//! every answer that is no delivery is judged with what is known besides:
//!
//! - *Proven* means that it is the WATS server that answers: it told its version, or accepted a report, and
//!   that request **began after this refusal arrived**. The client asks for the version at once.
//! - *Others pass* means that another report was accepted, by that same measure.
//!
//! | answer | proven? | others pass? | then |
//! |---|---|---|---|
//! | A. 2xx with the sent id | – | – | delivered |
//! | B. 2xx as WATS answers, other id | no | – | pause |
//! | | yes | – | read back: there: delivered; 404: suspect; 401, 403, 405: suspect, and after 3 different reports pause (`upload.proof`) |
//! | C. 2xx, anything else; D. 3xx, 401, 407, 421, 426, 511 | any | no | pause (address, token or proxy) |
//! | | yes | yes | parked: the server may have it (three different ones that met it in one pause are tried once more) |
//! | E. 4xx with words | no | – | pause |
//! | | yes | not needed | failed; [`super::schedule`] slows down after 10 in a row |
//! | F. 4xx blank or as a page; 403, 404, 405, 410, 413 | no | – | pause |
//! | | yes | not tried yet | suspect: others first |
//! | | yes | yes | once more at least 60 s later; the same again with an acceptance between: failed |
//! | | yes | none waiting | stays, longest back-off |
//! | | yes | 3 different refused, none accepted (not counted: those that others have passed before) | pause as a setting |
//! | G. 408, 425, 5xx, time-out, reset | no | – | pause |
//! | | yes | no | suspect, own back-off; 3 different and none accepted: pause as well |
//! | | yes | yes, for 24 h | parked |
//! | C, D, G, H of a parked one | yes | – | parked still: nothing new |
//! | H. 429, 503 with Retry-After | – | – | all wait; five times for one report while others pass, or for one that others have passed before: G |
//! | I. DNS, connect, TLS, proxy | – | – | pause |

use std::time::Duration;
use wats::FailureKind;

/// How much later than the refusal a report that only this server refuses is tried once more.
pub const ONCE_MORE: Duration = Duration::from_secs(60);
/// How long others pass until a report that only meets trouble is parked.
pub const ALONE: Duration = Duration::from_secs(24 * 60 * 60);
/// How often one report is told to wait, while others pass, until it is taken for the trouble itself.
pub const BUSY_ALONE: u32 = 5;
/// How many different reports must be refused, and none accepted, until it is not the reports.
pub const DIFFERENT: usize = 3;

/// What came for a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The server has it.
    Accepted,
    /// Anything else.
    Failed {
        /// What came.
        kind: FailureKind,
        /// The status of the answer, where there was one.
        status: Option<u16>,
    },
    /// The report was asked for, and it is there or not.
    ReadBack(bool),
    /// The report was asked for, and the server did not say.
    NotReadBack {
        /// The status of the answer, where there was one.
        status: Option<u16>,
    },
}

/// Whether it is the WATS server that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It was not asked yet.
    NotAsked,
    /// It was asked and did not answer.
    No,
    /// It answered a request that began after the refusal arrived.
    Yes,
}

/// How the other reports fare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// No other one was tried since.
    NotTried,
    /// There is no other one to try.
    NoneWaiting,
    /// One was accepted whose request began after the refusal arrived.
    Pass,
    /// [`DIFFERENT`] ones, with this one, were refused, and none was accepted.
    Refused,
}

/// What is known besides the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Whether it is the WATS server that answers.
    pub proof: Proof,
    /// How the other reports fare.
    pub others: Others,
    /// The same refusal came before: how long before this one.
    pub refused_before: Option<Duration>,
    /// Another report was accepted between that refusal and this one.
    pub accepted_between: bool,
    /// How long others have passed while this one met trouble.
    pub alone: Duration,
    /// How often this report was told to wait while others passed, this time included.
    pub busy: u32,
    /// It is parked already: others have passed it for long.
    pub parked: bool,
    /// `upload.proof`: an answer as WATS answers is enough, with whatever id.
    pub trust_answer: bool,
}

/// What the server as a whole waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// `server.token`, or what the server lets its owner do.
    Token,
    /// `server.proxy`, or what it asks for.
    Proxy,
    /// `server.url`, or what stands in front of the server.
    Address,
    /// What is allowed to be sent: the size, on the server or in front of it.
    Size,
    /// `upload.proof`: the server keeps reports under identifiers of its own and cannot be asked for them.
    Proof,
    /// The settings cannot be used at all.
    Settings,
    /// The server is out of order.
    Trouble,
    /// There is no way to the server.
    Way,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The report is delivered.
    Deliver,
    /// The server is asked for its version, then it is judged again.
    Prove,
    /// The server is asked for the report.
    ReadBack,
    /// All wait. What was proven stays with the report (others are tried first, and if they pass it is judged
    /// again); what was not says nothing about it.
    Pause(Because),
    /// The report stays queued, and others go first.
    Suspect(Again),
    /// The report stays queued and is tried daily.
    Park,
    /// The report goes to `failed/`.
    Fail,
    /// All wait, at least for as long as the server said.
    AllWait(Option<Duration>),
}

/// When a suspect is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// After its own back-off.
    BackOff,
    /// Once more, at least [`ONCE_MORE`] after the refusal.
    OnceMore,
    /// After the longest back-off, for nothing else can tell: people must know.
    Longest,
}

/// See the module.
pub fn judge(answer: Answer, context: &Context) -> Then {
    match answer {
        Answer::Accepted | Answer::ReadBack(true) => Then::Deliver,
        Answer::ReadBack(false) => Then::Suspect(Again::BackOff),
        Answer::NotReadBack { status: Some(401 | 403 | 405) } => match context.others {
            Others::Refused => Then::Pause(Because::Proof),
            _ => Then::Suspect(Again::BackOff),
        },
        Answer::NotReadBack { .. } => Then::Pause(Because::Trouble),
        Answer::Failed { kind: FailureKind::Busy { retry_after }, .. } if context.busy < BUSY_ALONE => {
            Then::AllWait(retry_after)
        }
        Answer::Failed { kind: FailureKind::Unreachable, .. } => Then::Pause(Because::Way),
        Answer::Failed { kind: FailureKind::Settings, .. } => Then::Pause(Because::Settings),
        Answer::Failed { kind: FailureKind::OtherId, .. } if context.trust_answer => Then::Deliver,
        Answer::Failed { kind, status } => match context.proof {
            Proof::NotAsked => Then::Prove,
            Proof::No => Then::Pause(unproven(kind, status)),
            Proof::Yes => proven(kind, status, context),
        },
    }
}

/// What all wait for if somebody else may have answered, so that nothing is known about the report.
pub fn unproven(kind: FailureKind, status: Option<u16>) -> Because {
    match kind {
        FailureKind::Unreachable => Because::Way,
        FailureKind::Settings => Because::Settings,
        FailureKind::Trouble | FailureKind::Busy { .. } => Because::Trouble,
        _ => setting(status),
    }
}

/// It is the WATS server that answered.
fn proven(kind: FailureKind, status: Option<u16>, context: &Context) -> Then {
    let others = context.others;
    match kind {
        FailureKind::NotWats | FailureKind::Gate | FailureKind::Trouble | FailureKind::Busy { .. }
            if context.parked =>
        {
            Then::Park
        }
        FailureKind::OtherId => Then::ReadBack,
        FailureKind::NotWats | FailureKind::Gate => match others {
            Others::Pass => Then::Park,
            _ => Then::Pause(setting(status)),
        },
        FailureKind::Refused => Then::Fail,
        FailureKind::RefusedBlank if refused_again(context) => Then::Fail,
        FailureKind::RefusedBlank => match others {
            Others::NotTried => Then::Suspect(Again::BackOff),
            Others::NoneWaiting => Then::Suspect(Again::Longest),
            Others::Pass => Then::Suspect(Again::OnceMore),
            Others::Refused => Then::Pause(setting(status)),
        },
        FailureKind::Trouble | FailureKind::Busy { .. } => match others {
            Others::Pass if context.alone >= ALONE => Then::Park,
            Others::Refused => Then::Pause(Because::Trouble),
            _ => Then::Suspect(Again::BackOff),
        },
        FailureKind::Unreachable => Then::Pause(Because::Way),
        FailureKind::Settings => Then::Pause(Because::Settings),
    }
}

/// The same refusal for the second time, while the server took another report between.
fn refused_again(context: &Context) -> bool {
    context.accepted_between && context.refused_before.is_some_and(|time| time >= ONCE_MORE)
}

/// Which setting a status points to.
fn setting(status: Option<u16>) -> Because {
    match status {
        Some(401 | 403) => Because::Token,
        Some(407) => Because::Proxy,
        Some(413) => Because::Size,
        _ => Because::Address,
    }
}

impl Because {
    /// What a person can look at; the end of a sentence.
    pub fn advice(self) -> &'static str {
        match self {
            Because::Token => "check server.token and what it is allowed to do",
            Because::Proxy => "check server.proxy and its credentials",
            Because::Address => "check server.url and what stands between here and the WATS server",
            Because::Size => "raise the size that the server, or the proxy before it, lets through",
            Because::Proof => {
                "allow the token to read reports, or set upload.proof to \"answer\" if the server answers with \
                 identifiers of its own"
            }
            Because::Settings => "correct the settings of the section server",
            Because::Trouble => "the server is out of order and is tried again",
            Because::Way => "check network, server.url and server.proxy",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Again::{BackOff, Longest, OnceMore};
    use super::Others::{NoneWaiting, NotTried, Pass, Refused};
    use super::Proof::{No, NotAsked, Yes};
    use super::Then::{AllWait, Deliver, Fail, Park, Pause, Prove, ReadBack, Suspect};
    use super::*;
    use FailureKind as Kind;

    const MINUTE: Duration = Duration::from_secs(60);
    const SECOND: Duration = Duration::from_secs(1);

    /// Nothing is known yet.
    const UNKNOWN: Context = Context {
        proof: NotAsked,
        others: NotTried,
        refused_before: None,
        accepted_between: false,
        alone: Duration::ZERO,
        busy: 0,
        parked: false,
        trust_answer: false,
    };

    fn at(proof: Proof, others: Others) -> Context {
        Context { proof, others, ..UNKNOWN }
    }

    fn parked(proof: Proof, others: Others) -> Context {
        Context { parked: true, ..at(proof, others) }
    }

    fn failed(kind: Kind, status: u16) -> Answer {
        Answer::Failed { kind, status: (status > 0).then_some(status) }
    }

    /// What came, what is known, what is to be done.
    type Row = (&'static str, Answer, Context, Then);

    fn check(rows: &[Row]) {
        for (what, answer, context, expected) in rows {
            assert_eq!(judge(*answer, context), *expected, "{what}: {answer:?} {context:?}");
        }
    }

    /// Fails if: a delivery is not taken for one, or an answer with another id is.
    #[test]
    fn a_and_b_what_was_stored() {
        let other = failed(Kind::OtherId, 200);
        let unread = |status| Answer::NotReadBack { status };
        let trusting = Context { trust_answer: true, ..UNKNOWN };
        check(&[
            ("A", Answer::Accepted, UNKNOWN, Deliver),
            ("A, whatever else", Answer::Accepted, at(No, Refused), Deliver),
            ("B, not asked", other, UNKNOWN, Prove),
            ("B, somebody else", other, at(No, NotTried), Pause(Because::Address)),
            ("B, proven", other, at(Yes, NotTried), ReadBack),
            ("B, proven, others pass", other, at(Yes, Pass), ReadBack),
            ("B, proven, others do not", other, at(Yes, Refused), ReadBack),
            ("B, upload.proof", other, trusting, Deliver),
            ("B, there", Answer::ReadBack(true), at(Yes, NotTried), Deliver),
            ("B, not there", Answer::ReadBack(false), at(Yes, NotTried), Suspect(BackOff)),
            ("B, not there, others pass", Answer::ReadBack(false), at(Yes, Pass), Suspect(BackOff)),
            ("B, may not read", unread(Some(401)), at(Yes, NotTried), Suspect(BackOff)),
            ("B, may not read", unread(Some(403)), at(Yes, Pass), Suspect(BackOff)),
            ("B, cannot read", unread(Some(405)), at(Yes, NoneWaiting), Suspect(BackOff)),
            ("B, three cannot be read", unread(Some(403)), at(Yes, Refused), Pause(Because::Proof)),
            ("B, trouble", unread(Some(500)), at(Yes, Refused), Pause(Because::Trouble)),
            ("B, no answer", unread(None), at(Yes, NotTried), Pause(Because::Trouble)),
        ]);
    }

    /// Fails if: an answer of something between costs a report, holds up the others once they pass, or is
    /// blamed on the wrong setting.
    #[test]
    fn c_and_d_something_between() {
        let page = failed(Kind::NotWats, 200);
        let gate = |status| failed(Kind::Gate, status);
        check(&[
            ("C, not asked", page, UNKNOWN, Prove),
            ("C, not proven", page, at(No, NotTried), Pause(Because::Address)),
            ("C, not proven, others passed", page, at(No, Pass), Pause(Because::Address)),
            ("C, proven, not tried", page, at(Yes, NotTried), Pause(Because::Address)),
            ("C, proven, alone", page, at(Yes, NoneWaiting), Pause(Because::Address)),
            ("C, proven, others neither", page, at(Yes, Refused), Pause(Because::Address)),
            ("C, proven, others pass", page, at(Yes, Pass), Park),
            ("D, not asked", gate(401), UNKNOWN, Prove),
            ("D, not proven", gate(401), at(No, NotTried), Pause(Because::Token)),
            ("D, proven, not tried", gate(401), at(Yes, NotTried), Pause(Because::Token)),
            ("D, proxy", gate(407), at(No, NotTried), Pause(Because::Proxy)),
            ("D, proxy", gate(407), at(Yes, NoneWaiting), Pause(Because::Proxy)),
            ("D, redirect", gate(302), at(No, NotTried), Pause(Because::Address)),
            ("D, redirect", gate(302), at(Yes, NotTried), Pause(Because::Address)),
            ("D, misdirected", gate(421), at(Yes, Refused), Pause(Because::Address)),
            ("D, upgrade", gate(426), at(No, NotTried), Pause(Because::Address)),
            ("D, network login", gate(511), at(No, NotTried), Pause(Because::Address)),
            ("D, others pass", gate(401), at(Yes, Pass), Park),
            ("D, redirect, others pass", gate(302), at(Yes, Pass), Park),
            ("C, tried daily", page, parked(Yes, NotTried), Park),
            ("C, tried daily, not proven", page, parked(No, NotTried), Pause(Because::Address)),
            ("D, tried daily", gate(401), parked(Yes, Refused), Park),
        ]);
    }

    /// Fails if: a refusal with words is believed although nobody knows who said it, or not believed although
    /// the server did.
    #[test]
    fn e_refused_with_words() {
        let refused = failed(Kind::Refused, 400);
        check(&[
            ("E, not asked", refused, UNKNOWN, Prove),
            ("E, not proven", refused, at(No, NotTried), Pause(Because::Address)),
            ("E, not proven, others passed", refused, at(No, Pass), Pause(Because::Address)),
            ("E, proven, others not tried", refused, at(Yes, NotTried), Fail),
            ("E, proven, alone", refused, at(Yes, NoneWaiting), Fail),
            ("E, proven, others pass", refused, at(Yes, Pass), Fail),
            ("E, proven, others refused", refused, at(Yes, Refused), Fail),
        ]);
    }

    /// Fails if: a report is put into `failed/` although nothing tells it from a wrong setting, or one that
    /// only this report meets keeps it for ever.
    #[test]
    fn f_refused_without_words() {
        let blank = |status| failed(Kind::RefusedBlank, status);
        let again = |seconds: u64, accepted_between, others| Context {
            refused_before: Some(Duration::from_secs(seconds)),
            accepted_between,
            ..at(Yes, others)
        };
        check(&[
            ("F, not asked", blank(404), UNKNOWN, Prove),
            ("F, not proven", blank(404), at(No, NotTried), Pause(Because::Address)),
            ("F, not proven", blank(403), at(No, Pass), Pause(Because::Token)),
            ("F, not tried", blank(413), at(Yes, NotTried), Suspect(BackOff)),
            ("F, alone", blank(413), at(Yes, NoneWaiting), Suspect(Longest)),
            ("F, others pass", blank(413), at(Yes, Pass), Suspect(OnceMore)),
            ("F, three", blank(403), at(Yes, Refused), Pause(Because::Token)),
            ("F, three", blank(413), at(Yes, Refused), Pause(Because::Size)),
            ("F, three", blank(400), at(Yes, Refused), Pause(Because::Address)),
            ("F, again", blank(413), again(60, true, NotTried), Fail),
            ("F, again, alone", blank(413), again(61, true, NoneWaiting), Fail),
            ("F, again, others pass", blank(413), again(3600, true, Pass), Fail),
            ("F, again, too soon", blank(413), again(59, true, Pass), Suspect(OnceMore)),
            ("F, again, none between", blank(413), again(3600, false, NotTried), Suspect(BackOff)),
            ("F, again, none between", blank(413), again(3600, false, NoneWaiting), Suspect(Longest)),
            ("F, again, none between", blank(413), again(3600, false, Pass), Suspect(OnceMore)),
            ("F, again, three", blank(413), again(3600, false, Refused), Pause(Because::Size)),
            (
                "F, again, not proven",
                blank(413),
                Context { proof: No, ..again(60, true, Pass) },
                Pause(Because::Size),
            ),
        ]);
    }

    /// Fails if: trouble of the server is blamed on a report, or trouble with one report on the server.
    #[test]
    fn g_trouble() {
        let trouble = |status| failed(Kind::Trouble, status);
        let alone = |alone, others| Context { alone, ..at(Yes, others) };
        check(&[
            ("G, not asked", trouble(500), UNKNOWN, Prove),
            ("G, not proven", trouble(500), at(No, NotTried), Pause(Because::Trouble)),
            ("G, not proven, others passed", trouble(0), at(No, Pass), Pause(Because::Trouble)),
            ("G, not tried", trouble(500), at(Yes, NotTried), Suspect(BackOff)),
            ("G, alone", trouble(408), at(Yes, NoneWaiting), Suspect(BackOff)),
            ("G, others pass", trouble(0), at(Yes, Pass), Suspect(BackOff)),
            ("G, three", trouble(502), at(Yes, Refused), Pause(Because::Trouble)),
            ("G, for a day", trouble(500), alone(24 * 60 * MINUTE, Pass), Park),
            ("G, nearly a day", trouble(500), alone(24 * 60 * MINUTE - SECOND, Pass), Suspect(BackOff)),
            ("G, a day, not tried", trouble(500), alone(24 * 60 * MINUTE, NotTried), Suspect(BackOff)),
            ("G, a day, none waits", trouble(500), alone(48 * 60 * MINUTE, NoneWaiting), Suspect(BackOff)),
            ("G, tried daily", trouble(500), parked(Yes, NotTried), Park),
            ("G, tried daily, not proven", trouble(500), parked(No, NotTried), Pause(Because::Trouble)),
            ("G, a day, three", trouble(500), alone(48 * 60 * MINUTE, Refused), Pause(Because::Trouble)),
        ]);
    }

    /// Fails if: a busy server is not left alone, one report can keep it busy for ever, or no way to the
    /// server is blamed on anything else.
    #[test]
    fn h_and_i_all_wait() {
        let wait = Some(42 * SECOND);
        let busy = failed(Kind::Busy { retry_after: wait }, 429);
        let times = |busy, proof| Context { busy, ..at(proof, NotTried) };
        check(&[
            ("H", busy, UNKNOWN, AllWait(wait)),
            ("H, no time", failed(Kind::Busy { retry_after: None }, 503), UNKNOWN, AllWait(None)),
            ("H, four times", busy, times(4, NotAsked), AllWait(wait)),
            ("H, five times", busy, times(5, NotAsked), Prove),
            ("H, five times, proven", busy, times(5, Yes), Suspect(BackOff)),
            ("H, five times, not proven", busy, times(5, No), Pause(Because::Trouble)),
            ("H, tried daily", busy, Context { busy: 5, ..parked(Yes, NotTried) }, Park),
            ("I", failed(Kind::Unreachable, 0), UNKNOWN, Pause(Because::Way)),
            ("I, others pass", failed(Kind::Unreachable, 0), at(Yes, Pass), Pause(Because::Way)),
            ("settings", failed(Kind::Settings, 0), UNKNOWN, Pause(Because::Settings)),
        ]);
    }
}
