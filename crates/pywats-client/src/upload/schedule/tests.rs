//! The table of the issue as it plays: what is refused, proven, accepted in which order, and what becomes of it.

use super::*;
use crate::upload::judge::Because;
use FailureKind as Kind;

const SECOND: Duration = Duration::from_secs(1);
const WAITS: Waits = Waits { initial: SECOND, max: Duration::from_secs(300) };

/// A server and reports, told step by step.
struct Play {
    schedule: Schedule,
    start: Instant,
    now: Instant,
    order: u64,
    /// Whether other reports wait.
    others: bool,
}

impl Play {
    fn new() -> Self {
        let now = Instant::now();
        Play { schedule: Schedule::new(WAITS, false), start: now, now, order: 1, others: true }
    }

    fn number(&mut self) -> Order {
        self.order += 1;
        Order(self.order)
    }

    fn moment(&self) -> Moment {
        let wall = Timestamp::from_second(1_700_000_000).unwrap();
        let wall = wall + jiff::SignedDuration::try_from(self.now - self.start).unwrap();
        Moment { now: self.now, wall, chance: 1.0 }
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
    }

    fn asked(&mut self) -> Asked {
        Asked { began: self.number(), arrived: self.number() }
    }

    /// A whole request that fails.
    fn refuse(&mut self, seq: i64, kind: Kind, status: u16) -> Vec<(i64, Fate)> {
        let asked = self.asked();
        self.refuse_asked(seq, asked, kind, status)
    }

    fn refuse_asked(&mut self, seq: i64, asked: Asked, kind: Kind, status: u16) -> Vec<(i64, Fate)> {
        let (others, moment) = (self.others, self.moment());
        self.schedule.sending(seq);
        self.schedule.failed(seq, asked, failure(kind, status), others, moment)
    }

    fn accept(&mut self, seq: i64) -> Vec<(i64, Fate)> {
        let asked = self.asked();
        self.accept_asked(seq, asked)
    }

    fn accept_asked(&mut self, seq: i64, asked: Asked) -> Vec<(i64, Fate)> {
        let moment = self.moment();
        self.schedule.accepted(seq, asked, moment)
    }

    fn version(&mut self) -> Vec<(i64, Fate)> {
        let (asked, others, moment) = (self.asked(), self.others, self.moment());
        self.schedule.version(asked, Ok(()), others, false, moment)
    }

    fn no_version(&mut self, kind: Kind, status: u16) -> Vec<(i64, Fate)> {
        let (asked, others, moment) = (self.asked(), self.others, self.moment());
        self.schedule.version(asked, Err(&failure(kind, status)), others, false, moment)
    }

    fn refuse_proven(&mut self, seq: i64, kind: Kind, status: u16) -> Vec<(i64, Fate)> {
        assert_eq!(self.refuse(seq, kind, status), [], "nobody knows who said it");
        assert!(self.schedule.wants_proof());
        self.version()
    }

    /// Until when all wait.
    fn pause(&self) -> Option<Duration> {
        self.schedule.pause().map(|pause| pause.until.saturating_duration_since(self.now))
    }

    fn reason(&self) -> Option<Reason> {
        self.schedule.pause().map(|pause| pause.reason)
    }

    fn turn(&self) -> Turn {
        self.schedule.turn(self.now, 0, 4, Untried::Nothing)
    }

    /// How long until the report is tried, and whether it is parked.
    fn case(&self, seq: i64) -> Option<(Duration, bool)> {
        let case = self.schedule.cases.get(seq)?;
        Some((case.until.saturating_duration_since(self.now), case.parked))
    }
}

fn failure(kind: Kind, status: u16) -> Failure {
    let status = (status > 0).then_some(status);
    Failure { kind, message: format!("{kind:?} {status:?}"), words: None, status }
}

fn delivered(seq: i64) -> (i64, Fate) {
    (seq, Fate::Delivered)
}

fn waits(seq: i64) -> (i64, Fate) {
    (seq, Fate::Waits)
}

fn fails(seq: i64, kind: Kind, status: u16) -> (i64, Fate) {
    (seq, Fate::Failed(failure(kind, status)))
}

/// Held, and what a restart is told: class, tries, parked.
fn told(fates: &[(i64, Fate)]) -> Vec<(i64, String, u32, bool)> {
    let told = |(seq, fate): &(i64, Fate)| match fate {
        Fate::Held(Some(kept)) | Fate::Noted(kept) => {
            Some((*seq, kept.kind.clone(), kept.tries, kept.parked))
        }
        _ => None,
    };
    fates.iter().filter_map(told).collect()
}

const BLANK: (Kind, u16) = (Kind::RefusedBlank, 413);

/// Fails if: what nobody has proven is held against a report, or all do not wait, or the setting is not named.
#[test]
fn unproven_says_nothing_about_a_report() {
    for (kind, status, because) in [
        (Kind::OtherId, 200, Because::Address),
        (Kind::NotWats, 200, Because::Address),
        (Kind::Gate, 401, Because::Token),
        (Kind::Gate, 407, Because::Proxy),
        (Kind::Gate, 302, Because::Address),
        (Kind::Refused, 400, Because::Address),
        (Kind::RefusedBlank, 403, Because::Token),
        (Kind::RefusedBlank, 404, Because::Address),
        (Kind::Trouble, 500, Because::Trouble),
    ] {
        let mut play = Play::new();
        assert_eq!(play.refuse(1, kind, status), []);
        assert_eq!(play.no_version(kind, status), [waits(1)], "{kind:?}");
        assert_eq!(play.reason(), Some(Reason::Because(because)), "{kind:?}");
        assert!(matches!(play.turn(), Turn::Wait(Some(_))));
        play.wait(300 * SECOND);
        assert_eq!(play.turn(), Turn::Version, "{kind:?}: the cheapest request finds out");
        play.version();
        assert_eq!(play.turn(), Turn::Probe);
        assert_eq!(play.accept(1), [delivered(1)]);
        assert_eq!(play.turn(), Turn::Send(4), "{kind:?}");
    }
}

/// Fails if: a version that was asked before the refusal arrived, or a report whose request began before, counts
/// as proof; with one and with four under way.
#[test]
fn only_what_began_later_proves() {
    let mut play = Play::new();
    let early_version = play.number();
    let early: Vec<Asked> = (0..3).map(|_| Asked { began: play.number(), arrived: Order(0) }).collect();
    assert_eq!(play.refuse(1, Kind::Refused, 400), []);
    let arrived = play.number();
    let (others, moment) = (play.others, play.moment());
    let asked = Asked { began: early_version, arrived };
    assert_eq!(play.schedule.version(asked, Ok(()), others, false, moment), []);
    for (seq, asked) in (2..).zip(early) {
        let asked = Asked { arrived: play.number(), ..asked };
        assert_eq!(play.accept_asked(seq, asked), [delivered(seq)], "and nothing about 1");
    }
    assert!(play.schedule.wants_proof());
    assert_eq!(play.accept(5), [delivered(5), fails(1, Kind::Refused, 400)], "this one proves");
}

/// Fails if: C and D stop the station for one report, or park one although nobody else passes.
#[test]
fn something_between_parks_what_others_pass() {
    for (kind, status) in [(Kind::NotWats, 200), (Kind::Gate, 401)] {
        let mut play = Play::new();
        assert_eq!(play.refuse(1, kind, status), []);
        assert_eq!(play.turn(), Turn::Wait(None), "whoever said it, all wait");
        assert_eq!(play.version(), [(1, Fate::Held(None))]);
        assert_eq!(play.pause(), Some(SECOND));
        assert!(play.schedule.pause().is_some_and(|pause| pause.proven));
        play.wait(SECOND);
        assert_eq!(play.turn(), Turn::Probe, "another report finds out");
        let fates = play.accept(2);
        assert_eq!(fates[0], delivered(2));
        assert_eq!(told(&fates).len(), 1, "{fates:?}");
        assert_eq!(play.case(1), Some((PARKED_AT_ONCE, true)));
        assert_eq!(play.turn(), Turn::Send(4));
        // Tried again, and the same again: it stays parked, and nobody else waits.
        play.wait(PARKED_AT_ONCE);
        assert_eq!(play.schedule.due(play.now, 0), Some(1));
        assert_eq!(play.refuse(1, kind, status), []);
        play.version();
        assert_eq!(play.pause(), None, "{kind:?}");
        assert_eq!(play.case(1), Some((PARKED, true)));
        play.wait(PARKED);
        assert_eq!(play.schedule.due(play.now, 0), Some(1), "daily");
        assert_eq!(play.accept(1), [delivered(1)]);
        assert_eq!(play.case(1), None);
    }
}

/// Fails if: a report that is refused with words does not go to `failed/` once that is proven, or one that
/// follows it waits.
#[test]
fn refused_with_words() {
    let mut play = Play::new();
    assert_eq!(play.refuse(1, Kind::Refused, 400), []);
    assert_eq!(play.turn(), Turn::Send(4), "one refusal does not hold up the others");
    assert_eq!(play.refuse(2, Kind::Refused, 422), []);
    assert_eq!(play.turn(), Turn::Wait(None), "two do, until it is known who says so");
    assert_eq!(play.version(), [fails(1, Kind::Refused, 400), fails(2, Kind::Refused, 422)]);
    assert_eq!(play.pause(), None);
}

/// Fails if: ten refusals in a row go on at full speed, or an acceptance does not end that.
#[test]
fn slow_after_ten_in_a_row() {
    let mut play = Play::new();
    for seq in 1..=10 {
        assert!(matches!(play.turn(), Turn::Send(_)), "{seq}");
        assert_eq!(play.schedule.slow(), None);
        assert_eq!(play.refuse_proven(seq, Kind::Refused, 400), [fails(seq, Kind::Refused, 400)]);
    }
    assert!(play.schedule.slow().is_some_and(|text| text.contains("last 10 reports")));
    for seq in 11..20 {
        assert_eq!(play.turn(), Turn::Wait(Some(play.now + SLOW)));
        play.wait(SLOW);
        assert_eq!(play.turn(), Turn::Send(1));
        assert_eq!(play.refuse(seq, Kind::Refused, 400), []);
        assert_eq!(play.turn(), Turn::Wait(None), "not another one before it is judged");
        play.version();
    }
    play.wait(SLOW);
    play.accept(20);
    assert_eq!((play.turn(), play.schedule.slow()), (Turn::Send(4), None));
    // With four under way there are no more than ten either.
    for seq in 21..=28 {
        play.refuse_proven(seq, Kind::Refused, 400);
    }
    assert_eq!(play.turn(), Turn::Send(2));
}

/// Fails if: a report that alone is refused blankly is not tried once more a minute later, or goes to `failed/`
/// without an acceptance between.
#[test]
fn refused_blankly_twice() {
    let (kind, status) = BLANK;
    let mut play = Play::new();
    assert_eq!(told(&play.refuse_proven(1, kind, status)), [(1, "refused_blank".to_owned(), 1, false)]);
    assert_eq!((play.pause(), play.case(1)), (None, Some((SECOND, false))), "others first");
    play.accept(2);
    assert_eq!(play.case(1), Some((60 * SECOND, false)), "others pass: once more, a minute later");
    play.wait(60 * SECOND);
    assert_eq!(play.refuse_proven(1, kind, status), [fails(1, kind, status)]);
}

/// Fails if: it goes to `failed/` while no other report has passed, or after another status.
#[test]
fn refused_blankly_without_an_acceptance_between() {
    let (kind, status) = BLANK;
    let mut play = Play::new();
    play.others = false;
    play.refuse_proven(1, kind, status);
    assert_eq!(play.case(1), Some((300 * SECOND, false)), "the longest back-off");
    assert!(
        play.schedule.troubled().is_some_and(|(count, seq, _)| (count, seq) == (1, 1)),
        "people must know"
    );
    for _ in 0..5 {
        play.wait(300 * SECOND);
        assert_eq!(told(&play.refuse_proven(1, kind, status)).len(), 1, "it stays");
        assert_eq!(play.pause(), None);
    }
    play.accept(2);
    play.wait(60 * SECOND);
    assert_eq!(told(&play.refuse_proven(1, kind, 404)).len(), 1, "not the same");
    play.accept(3);
    play.wait(60 * SECOND);
    assert_eq!(play.refuse_proven(1, kind, 404), [fails(1, kind, 404)]);
}

/// Fails if: what three different reports meet is blamed on them, or a probe goes to the same one again.
#[test]
fn three_different_ones_are_a_setting() {
    for (kind, status, because) in [
        (Kind::RefusedBlank, 403, Because::Token),
        (Kind::RefusedBlank, 413, Because::Size),
        (Kind::Trouble, 500, Because::Trouble),
    ] {
        let mut play = Play::new();
        for seq in 1..=2 {
            play.refuse_proven(seq, kind, status);
            assert_eq!(play.pause(), None);
        }
        play.refuse_proven(3, kind, status);
        assert_eq!(play.reason(), Some(Reason::Because(because)));
        for (seq, wait) in (4..10).zip([1, 2, 4, 8, 16, 32]) {
            assert_eq!(play.pause(), Some(wait * SECOND), "it grows");
            play.wait(wait * SECOND);
            assert_eq!(play.turn(), Turn::Probe);
            play.refuse_proven(seq, kind, status);
        }
        assert_eq!(
            play.schedule.probe(play.now),
            Some(1),
            "when all were tried, the one that was tried first"
        );
        play.wait(64 * SECOND);
        let fates = play.accept(10);
        assert_eq!(fates[0], delivered(10));
        assert_eq!(play.turn(), Turn::Send(4));
        assert!(
            play.schedule.cases.len() == 9 && fates.iter().all(|(_, fate)| !matches!(fate, Fate::Failed(_)))
        );
    }
}

/// Fails if: with four under way the same report or the same trouble counts several times, or all wait for longer
/// because of it.
#[test]
fn four_under_way_at_once() {
    let mut play = Play::new();
    let began: Vec<Order> = (0..4).map(|_| play.number()).collect();
    for (seq, began) in (1..).zip(began) {
        let asked = Asked { began, arrived: play.number() };
        assert_eq!(play.refuse_asked(seq, asked, Kind::Trouble, 500), []);
    }
    assert_eq!(play.turn(), Turn::Wait(None));
    let fates = play.version();
    assert_eq!(told(&fates).len(), 4);
    assert_eq!(play.pause(), Some(SECOND), "one wait, not four");
    play.wait(SECOND);
    play.accept(5);
    assert_eq!(play.pause(), None);
}

/// Fails if: a report on which the server always fails holds up others, is parked before a day, or never.
#[test]
fn trouble_with_one_report() {
    let hour = 3600 * SECOND;
    let mut play = Play::new();
    assert_eq!(told(&play.refuse_proven(1, Kind::Trouble, 500)), [(1, "trouble".to_owned(), 1, false)]);
    assert_eq!(told(&play.accept(2)), [(1, "trouble_alone".to_owned(), 1, false)]);
    for seq in 3..26 {
        play.wait(hour);
        assert_eq!(play.pause(), None);
        play.refuse_proven(1, Kind::Trouble, 500);
        play.accept(seq);
        assert!(play.case(1).is_some_and(|(_, parked)| !parked), "{seq}");
    }
    play.wait(hour);
    play.refuse_proven(1, Kind::Trouble, 500);
    assert!(play.case(1).is_some_and(|(_, parked)| !parked), "nobody has passed since");
    assert_eq!(told(&play.accept(26)), [(1, "trouble_alone".to_owned(), 25, true)]);
    assert_eq!(play.case(1), Some((PARKED, true)));
    assert!(play.schedule.parked().is_some_and(|(count, seq, _)| (count, seq) == (1, 1)));
}

/// Fails if: a day during which the server failed on all counts against the report that met it first.
#[test]
fn a_day_of_trouble_for_all_parks_nobody() {
    let mut play = Play::new();
    play.refuse_proven(1, Kind::Trouble, 500);
    play.accept(9);
    for seq in 1..=4 {
        assert_eq!(play.pause(), None, "1 is known: it does not count");
        play.refuse_proven(seq, Kind::Trouble, 500);
    }
    assert!(play.pause().is_some());
    play.wait(25 * 3600 * SECOND);
    play.refuse_proven(1, Kind::Trouble, 500);
    play.accept(4);
    for seq in 1..=3 {
        assert!(play.case(seq).is_some_and(|(_, parked)| !parked), "{seq}");
    }
}

/// Fails if: a busy server is asked before it said, or at once where it said 0; or one report keeps all waiting
/// for ever while others pass.
#[test]
fn busy() {
    for (asked, expected) in
        [(None, SECOND), (Some(0), SECOND), (Some(42), 42 * SECOND), (Some(9000), 3600 * SECOND)]
    {
        let mut play = Play::new();
        let kind = Kind::Busy { retry_after: asked.map(Duration::from_secs) };
        assert_eq!(play.refuse(1, kind, 429), [waits(1)]);
        assert_eq!((play.pause(), play.reason()), (Some(expected), Some(Reason::Busy)));
        play.wait(expected);
        assert_eq!(play.turn(), Turn::Probe);
    }
    let kind = Kind::Busy { retry_after: Some(SECOND) };
    let mut play = Play::new();
    for seq in 2..6 {
        assert_eq!(play.refuse(1, kind, 429), [waits(1)]);
        play.wait(SECOND);
        play.accept(seq);
    }
    assert_eq!(play.refuse(1, kind, 429), [], "five times, while others passed");
    assert_eq!(told(&play.version()), [(1, "trouble".to_owned(), 1, false)]);
    assert_eq!(play.pause(), None);
    // Known from other trouble: it is not asked five times, and waits for as long as it is told.
    let mut play = Play::new();
    play.refuse_proven(1, Kind::Trouble, 500);
    play.accept(2);
    let kind = Kind::Busy { retry_after: Some(1000 * SECOND) };
    assert_eq!(told(&play.refuse_proven(1, kind, 429)), [(1, "trouble_alone".to_owned(), 2, false)]);
    assert_eq!((play.pause(), play.case(1)), (None, Some((1000 * SECOND, false))));
    assert!(play.schedule.is_busy_alone(1));
    let mut play = Play::new();
    for _ in 0..20 {
        assert_eq!(play.refuse(1, kind, 429), [waits(1)], "nobody else passes");
        play.wait(3600 * SECOND);
    }
}

/// Fails if: an answer with another identifier is taken for a delivery without being read back, or a server that
/// cannot be asked stops the station without a word.
#[test]
fn other_identifiers() {
    let mut play = Play::new();
    let back = |play: &mut Play, seq, there: Result<bool, u16>| {
        assert_eq!(play.refuse_proven(seq, Kind::OtherId, 200), [(seq, Fate::ReadBack)]);
        let there = there.map_err(|status| failure(Kind::Gate, status));
        let (asked, others, moment) = (play.asked(), play.others, play.moment());
        play.schedule.read_back(seq, asked, there, others, moment)
    };
    assert_eq!(back(&mut play, 1, Ok(true)), [delivered(1)]);
    assert_eq!(told(&back(&mut play, 2, Ok(false))), [(2, "other_id".to_owned(), 1, false)]);
    for (seq, status) in [(3, 401), (4, 403)] {
        assert_eq!(told(&back(&mut play, seq, Err(status))).len(), 1);
        assert_eq!(play.pause(), None);
    }
    back(&mut play, 5, Err(405));
    assert_eq!(play.reason(), Some(Reason::Because(Because::Proof)));
    let mut play = Play::new();
    play.schedule = Schedule::new(WAITS, true);
    assert_eq!(play.refuse(1, Kind::OtherId, 200), [delivered(1)], "upload.proof");
}

/// Fails if: no way to the server is not a pause for all, or one that is under way makes it longer.
#[test]
fn no_way() {
    let mut play = Play::new();
    for (wait, turn) in [(1, Turn::Version), (2, Turn::Probe), (4, Turn::Version)] {
        assert_eq!(play.refuse(1, Kind::Unreachable, 0), [waits(1)]);
        assert_eq!(play.pause(), Some(wait * SECOND));
        play.wait(wait * SECOND);
        assert_eq!(play.turn(), turn, "by turns");
    }
    play.no_version(Kind::Unreachable, 0);
    assert_eq!((play.pause(), play.reason()), (Some(8 * SECOND), Some(Reason::Because(Because::Way))));
}

/// Fails if: a change of settings does not free what waits, what was refused under the old settings counts, or
/// an answer to what was sent with them does.
#[test]
fn other_settings() {
    let mut play = Play::new();
    play.refuse_proven(1, Kind::Gate, 401);
    play.refuse_proven(2, BLANK.0, BLANK.1);
    let (late, later) = (play.asked(), play.asked());
    play.refuse(3, Kind::Refused, 400);
    let (order, now) = (play.number(), play.now);
    let fates = play.schedule.settings_changed(WAITS, false, order, now);
    assert_eq!(fates, [waits(1), waits(3)]);
    assert_eq!((play.turn(), play.case(2)), (Turn::Send(4), Some((Duration::ZERO, false))));
    assert_eq!(play.refuse_asked(5, late, Kind::Gate, 401), [waits(5)]);
    assert_eq!(play.accept_asked(6, later), [delivered(6)], "what was accepted is");
    assert_eq!(told(&play.refuse_proven(2, BLANK.0, BLANK.1)), [(2, "refused_blank".to_owned(), 2, false)]);
}

/// Fails if: a suspect or a parked report is an ordinary one after a restart, or is judged by what was proven
/// before.
#[test]
fn a_restart() {
    let mut play = Play::new();
    let moment = play.moment();
    let since = moment.wall;
    let kept = |kind: &str, parked| Suspicion { kind: kind.to_owned(), tries: 1, since, parked };
    assert!(play.schedule.restore(1, &kept("refused_blank", false), moment));
    assert!(play.schedule.restore(2, &kept("gate", true), moment));
    assert!(play.schedule.restore(3, &kept("trouble_alone", false), moment));
    assert!(!play.schedule.restore(4, &kept("something else", false), moment));
    assert_eq!(play.accept(9), [delivered(9)], "it says nothing about a refusal before the restart");
    play.wait(61 * SECOND);
    assert_eq!(
        told(&play.refuse_proven(1, BLANK.0, BLANK.1)).len(),
        1,
        "nor does that make it the second one"
    );
    play.refuse_proven(2, Kind::Gate, 401);
    assert_eq!((play.pause(), play.case(2)), (None, Some((PARKED, true))));
    play.wait(24 * 3600 * SECOND);
    play.refuse_proven(3, Kind::Trouble, 500);
    assert_eq!(told(&play.accept(10)).iter().filter(|(seq, _, _, parked)| *seq == 3 && *parked).count(), 1);
}

/// Fails if: a report that was not tried waits because one that was meets it again and again; one that came since
/// waits for long because several do; or all that waited before are sent to a server that refuses all.
#[test]
fn one_that_was_not_tried_tells_more() {
    let mut play = Play::new();
    play.others = false;
    let turn = |play: &Play, untried| play.schedule.turn(play.now, 0, 4, untried);
    for wait in [1, 2, 4, 8] {
        play.refuse_proven(1, Kind::NotWats, 200);
        assert_eq!(play.pause(), Some(wait * SECOND));
        assert_eq!(turn(&play, Untried::Waited), Turn::Probe, "one says nothing about the next one");
        play.wait(wait * SECOND);
    }
    for seq in 2..=100 {
        play.refuse_proven(seq, Kind::NotWats, 200);
        let came = play.now + SECOND * u32::try_from(seq - 1).unwrap().min(60);
        assert_eq!(turn(&play, Untried::Came), Turn::Wait(Some(came)), "{seq}");
        let waited = if seq == 2 { came } else { play.now + play.pause().unwrap_or_default() };
        assert_eq!(turn(&play, Untried::Waited), Turn::Wait(Some(waited)), "{seq}");
    }
    assert_eq!(play.pause(), Some(300 * SECOND));
    play.wait(60 * SECOND);
    play.refuse_proven(1, Kind::NotWats, 200);
    assert_eq!(turn(&play, Untried::Came), Turn::Probe, "nobody waits for what was tried before");
}

/// Fails if: where the version fails and reports pass, a refused report is not proven by one that passes, or one
/// that is still under way is not waited for.
#[test]
fn a_report_proves_what_the_version_does_not() {
    let mut play = Play::new();
    assert_eq!(play.refuse(1, Kind::Refused, 400), []);
    let began = play.number();
    let (asked, moment) = (play.asked(), play.moment());
    let no = failure(Kind::RefusedBlank, 404);
    assert_eq!(play.schedule.version(asked, Err(&no), true, true, moment), []);
    assert!(!play.schedule.wants_proof(), "not asked again and again");
    assert_eq!(play.turn(), Turn::Wait(None));
    let asked = Asked { began, arrived: play.number() };
    assert_eq!(play.accept_asked(2, asked), [delivered(2), fails(1, Kind::Refused, 400)]);
    assert_eq!(play.turn(), Turn::Send(4));
    // Nothing under way proves it.
    assert_eq!(play.refuse(3, Kind::Refused, 400), []);
    let (asked, moment) = (play.asked(), play.moment());
    assert_eq!(play.schedule.version(asked, Err(&no), true, true, moment), []);
    assert_eq!(play.schedule.nothing_under_way(true, moment), [waits(3)]);
    assert_eq!(play.reason(), Some(Reason::Because(Because::Address)));
}

/// Fails if: reports are parked because something stood before the server for a while, and stopped all of them.
#[test]
fn what_stopped_all_parks_nobody() {
    for (kind, status) in [(Kind::NotWats, 200), (Kind::Gate, 302)] {
        let mut play = Play::new();
        for seq in 1..=4 {
            play.refuse_proven(seq, kind, status);
            play.wait(10 * SECOND);
        }
        assert_eq!(play.accept(5), [delivered(5), waits(1), waits(2), waits(3), waits(4)]);
        assert_eq!(play.turn(), Turn::Send(4));
        // Those that meet it again are parked, however many they are.
        for seq in 1..=4 {
            play.refuse_proven(seq, kind, status);
        }
        let class = if kind == Kind::Gate { "gate" } else { "not_wats" };
        let parked = |seq| (seq, class.to_owned(), 1, true);
        assert_eq!(told(&play.accept(6)), [parked(1), parked(2), parked(3), parked(4)]);
        assert_eq!((play.turn(), play.case(1)), (Turn::Send(4), Some((PARKED_AT_ONCE, true))));
    }
}
