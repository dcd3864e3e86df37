//! The worker against a queue in memory and a server that answers as told; time passes as it is waited for.

/// Thousands of cases that know no system: in Wine they would cost minutes and say nothing more.
#[cfg(not(windows))]
mod outage;
mod several;
mod station;

use self::station::{Reply, SECOND, Station};
use crate::queue::{Body, Granted, Verdict};
use crate::status::{Area, Topic};
use std::time::Duration;
use wats::FailureKind as Kind;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The most in any ten seconds.
fn most(mut times: Vec<Duration>) -> usize {
    times.sort_unstable();
    let until = |from: usize| times.partition_point(|time| *time < times[from] + 10 * SECOND);
    (0..times.len()).map(|from| until(from) - from).max().unwrap_or_default()
}

/// Fails if: fewer or more are sent at once than the setting says, out of order, or with pauses between.
#[tokio::test(start_paused = true)]
async fn several_at_once() {
    for concurrency in [1, 4, 8, 64] {
        let mut station = Station::new(concurrency);
        for _ in 0..320 {
            station.put();
        }
        station.start();
        let expected = Duration::from_millis(100) * (320 / concurrency as u32);
        station.wait(expected + 3 * SECOND, "all delivered", |station| station.is_delivered(320)).await;
        let server = station.remote.server();
        assert_eq!(server.most, concurrency);
        let (last, _) = server.sent[319];
        assert!(last <= expected + SECOND, "{concurrency}: {last:?}");
        let order: Vec<i64> = server.sent.iter().map(|(_, seq)| *seq).collect();
        if concurrency == 1 {
            assert_eq!(order, (1..=320).collect::<Vec<i64>>());
        }
    }
}

/// Fails if: a new report waits for anything, or an idle worker uses the queue or does not ask for the version
/// once a minute.
#[tokio::test(start_paused = true)]
async fn idle() {
    let mut station = Station::new(8);
    station.start();
    station.pass(5 * SECOND).await;
    let (uses, versions) = (station.store.memory().uses, station.remote.server().versions.len());
    station.pass(HOUR).await;
    assert_eq!(station.store.memory().uses, uses, "the queue is left alone");
    let asked = station.remote.server().versions.len() - versions;
    assert!((59..=61).contains(&asked), "{asked}");
    assert_eq!(station.status.not_ready(), None);
    let started = station.remote.server().sent.len();
    station.put();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(station.remote.server().sent.len(), started + 1);
}

/// Fails if: more bytes are in memory than the limit, or a report larger than that is never sent.
#[tokio::test(start_paused = true)]
async fn bytes_in_flight_are_bounded() {
    for (size, most) in [(60 << 20, 1), (16 << 20, 4), (1 << 30, 1), (1000, 8)] {
        let mut station = Station::new(8);
        for _ in 0..8 {
            station.put_sized(size);
        }
        station.start();
        station.wait(MINUTE, "all delivered", |station| (1..=8).all(|seq| station.is_delivered(seq))).await;
        assert_eq!(station.remote.server().most, most, "{size}");
    }
}

/// Fails if: a verdict gets lost or a report is sent again because the disk was full, or nobody is told.
#[tokio::test(start_paused = true)]
async fn a_full_disk_forgets_nothing() {
    let mut station = Station::new(4);
    station.store.memory().failing = 30;
    for _ in 0..100 {
        station.put();
    }
    station.start();
    station.pass(MINUTE).await;
    assert!(station.reason().contains("disk full"), "{}", station.reason());
    station.wait(HOUR, "all committed", |station| (1..=100).all(|seq| station.is_delivered(seq))).await;
    assert_eq!(station.remote.server().sent.len(), 100, "each was sent once");
    station.pass(SECOND).await;
    assert_eq!(station.status.not_ready(), None);
}

/// Fails if: who gives a report up is told so before it is committed, is not told then, waits for others, or the report
/// is sent; or one that is on its way is given up.
#[tokio::test(start_paused = true)]
async fn a_drop_is_confirmed_when_it_is_committed() {
    let mut station = Station::new(4);
    station.remote.server().down = true;
    station.start();
    let seq = station.put();
    station.pass(MINUTE).await;
    station.store.memory().failing = 2;
    let answers = [station.drop_report(seq), station.drop_report(seq)];
    station.pass(SECOND).await;
    assert!(answers.iter().all(|answer| answer.try_recv().is_err()), "it is not on the disk");
    assert_eq!(station.verdict(seq), None);
    station.pass(30 * SECOND).await;
    assert!(answers.iter().all(|answer| answer.try_recv() == Ok(Granted::Yes)));
    assert_eq!(station.verdict(seq), Some(Verdict::Refused("dropped".to_owned())));
    let sent = station.times(seq);
    station.remote.server().down = false;
    let hanging = station.put();
    station.replies(hanging, &[Reply::Hang]);
    station.wait(HOUR, "on its way", |station| station.times(hanging) > 0).await;
    let answer = station.drop_report(hanging);
    station.pass(SECOND).await;
    assert_eq!(answer.try_recv(), Ok(Granted::OnItsWay));
    assert_eq!((station.times(seq), station.verdict(hanging)), (sent, None));
}

/// Fails if: verdicts are committed one by one, or wait for longer than a second.
#[tokio::test(start_paused = true)]
async fn verdicts_are_committed_together() {
    let mut station = Station::new(8);
    for _ in 0..256 {
        station.put();
    }
    station.start();
    station.pass(10 * SECOND).await;
    assert!((1..=256).all(|seq| station.is_delivered(seq)));
    let commits = station.store.memory().commits;
    assert!((4..=8).contains(&commits), "{commits}");
    let late = station.put();
    station.wait(Duration::from_millis(1200), "one alone", |station| station.is_delivered(late)).await;
}

/// Fails if: a stop waits for longer than 5 s, calls off an upload at once, or loses a verdict.
#[tokio::test(start_paused = true)]
async fn a_stop() {
    let mut station = Station::new(4);
    station.remote.server().latency = 3 * SECOND;
    let (slow, hanging) = (station.put(), station.put());
    station.replies(hanging, &[Reply::Hang]);
    station.start();
    station.pass(SECOND).await;
    let late = station.put();
    let took = station.stop().await;
    assert!(took >= 5 * SECOND && took < 6 * SECOND, "{took:?}");
    assert!(station.is_delivered(slow));
    assert_eq!(station.verdict(hanging), None);
    assert_eq!(station.times(late), 0, "nothing new begins");
    station.replies(hanging, &[Reply::Accept]);
    station.start();
    station.wait(MINUTE, "sent again", |station| station.is_delivered(hanging)).await;
    assert!(station.stop().await < SECOND, "an idle one stops at once");
}

/// What a report that meets this ends as, while others are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Delivered,
    Failed,
    Parked,
    Suspect,
}

/// Fails if: a row of the table ends otherwise for one report while others pass, with one or with four under
/// way; or the others do not pass.
#[tokio::test(start_paused = true)]
async fn one_report_meets_it_and_others_pass() {
    let busy = Kind::Busy { retry_after: Some(SECOND) };
    let rows: &[(&str, Reply, Duration, End)] = &[
        ("A", Reply::Accept, MINUTE, End::Delivered),
        ("B there", Reply::OtherId(Ok(true)), MINUTE, End::Delivered),
        ("B not there", Reply::OtherId(Ok(false)), HOUR, End::Suspect),
        ("B cannot be read", Reply::OtherId(Err(403)), HOUR, End::Suspect),
        ("C", Reply::Refuse(Kind::NotWats, 200), 10 * MINUTE, End::Parked),
        ("D 302", Reply::Refuse(Kind::Gate, 302), 10 * MINUTE, End::Parked),
        ("D 401", Reply::Refuse(Kind::Gate, 401), 10 * MINUTE, End::Parked),
        ("E", Reply::Refuse(Kind::Refused, 400), MINUTE, End::Failed),
        ("F 413", Reply::Refuse(Kind::RefusedBlank, 413), 10 * MINUTE, End::Failed),
        ("F 404", Reply::Refuse(Kind::RefusedBlank, 404), 10 * MINUTE, End::Failed),
        ("G 500", Reply::Refuse(Kind::Trouble, 500), HOUR, End::Suspect),
        ("G 500, a day", Reply::Refuse(Kind::Trouble, 500), DAY + DAY / 4, End::Parked),
        ("G reset", Reply::Refuse(Kind::Trouble, 0), HOUR, End::Suspect),
        ("H alone", Reply::Refuse(busy, 429), HOUR, End::Suspect),
    ];
    for (row, reply, time, end) in rows {
        for concurrency in [1, 4] {
            let mut station = Station::new(concurrency);
            let what = format!("{row}, {concurrency} at once");
            station.put();
            let bad = station.put();
            station.replies(bad, std::slice::from_ref(reply));
            station.put();
            station.start();
            let mut passed = *time / 20;
            while passed < *time {
                let good = station.put();
                // A report that is told to wait makes all wait.
                let patience = if row.starts_with('H') { 5 * MINUTE } else { 10 * SECOND };
                station.wait(patience, &what, |station| station.is_delivered(good)).await;
                station.pass(*time / 20).await;
                passed += *time / 20;
            }
            let found = match (station.verdict(bad).is_some(), station.is_parked(bad)) {
                (true, _) if station.is_delivered(bad) => End::Delivered,
                (true, _) => End::Failed,
                (false, true) => End::Parked,
                (false, false) => End::Suspect,
            };
            assert_eq!(found, *end, "{what}; sent {} times", station.times(bad));
            assert!(!station.status.problems().contains_key(&Area::Server), "{what}: {}", station.reason());
            let names_the_report = station.reason().contains(&format!("\"{bad}.json\""));
            assert_eq!(names_the_report, *end == End::Suspect, "{what}: {}", station.reason());
            assert_eq!(station.status.parked_reports().is_some(), *end == End::Parked, "{what}");
        }
    }
}

/// Fails if: what all reports meet costs one, is not named, or is tried too often; or anything is left once it
/// is over. With one and with four under way, with a version and without.
#[tokio::test(start_paused = true)]
async fn all_reports_meet_it() {
    let busy = |after| Kind::Busy { retry_after: Some(Duration::from_secs(after)) };
    let rows: &[(&str, Reply, &str)] = &[
        ("B cannot be read", Reply::OtherId(Err(403)), "upload.proof"),
        ("C", Reply::Refuse(Kind::NotWats, 200), "server.url"),
        ("D 302", Reply::Refuse(Kind::Gate, 302), "server.url"),
        ("D 401", Reply::Refuse(Kind::Gate, 401), "server.token"),
        ("D 407", Reply::Refuse(Kind::Gate, 407), "server.proxy"),
        ("F 403", Reply::Refuse(Kind::RefusedBlank, 403), "server.token"),
        ("F 404", Reply::Refuse(Kind::RefusedBlank, 404), "server.url"),
        ("F 413", Reply::Refuse(Kind::RefusedBlank, 413), "size"),
        ("G 500", Reply::Refuse(Kind::Trouble, 500), "out of order"),
        ("H 0", Reply::Refuse(busy(0), 429), "busy"),
        ("H 100", Reply::Refuse(busy(100), 503), "busy"),
        ("I", Reply::Refuse(Kind::Unreachable, 0), "network"),
    ];
    for (row, reply, named) in rows {
        for concurrency in [1, 4] {
            for proven in [true, false] {
                let what = format!("{row}, {concurrency} at once, version {proven}");
                let mut station = Station::new(concurrency);
                station.remote.server().default = reply.clone();
                if !proven {
                    station.remote.server().version = Err(match reply {
                        Reply::Refuse(kind, status) => (*kind, *status),
                        _ => (Kind::NotWats, 200),
                    });
                }
                for _ in 0..200 {
                    station.put();
                }
                station.start();
                station.pass(HOUR).await;
                let named = if proven || *row != "B cannot be read" { *named } else { "server.url" };
                let reason = station.reason();
                assert!(
                    reason.contains(named) && station.status.problems().contains_key(&Area::Server),
                    "{what}: {reason}"
                );
                let (sent, versions) = {
                    let server = station.remote.server();
                    (server.sent.len(), server.versions.len())
                };
                assert!(sent <= 40 && versions <= 60, "{what}: sent {sent}, asked {versions}");
                assert_eq!(station.store.memory().verdicts.len(), 0, "{what}");
                {
                    let mut server = station.remote.server();
                    (server.default, server.version) = (Reply::Accept, Ok(()));
                }
                station.wait(2 * HOUR, &what, |station| station.store.memory().verdicts.len() == 200).await;
                assert!((1..=200).all(|seq| station.is_delivered(seq)), "{what}");
                station.pass(2 * SECOND).await;
                assert_eq!(station.status.not_ready(), None, "{what}");
            }
        }
    }
}

/// Fails if: where the server does not tell its version but takes reports, a refused one stops the others, or is
/// never decided.
#[tokio::test(start_paused = true)]
async fn no_version_but_reports_pass() {
    for concurrency in [1, 4] {
        let mut station = Station::new(concurrency);
        station.remote.server().version = Err((Kind::RefusedBlank, 404));
        let bad = station.put();
        station.replies(bad, &[Reply::Refuse(Kind::Refused, 400)]);
        for _ in 0..100 {
            station.put();
        }
        station.start();
        let decided = |station: &Station| station.store.memory().verdicts.len() == 101;
        station.wait(MINUTE, "all are decided", decided).await;
        assert!(matches!(station.verdict(bad), Some(Verdict::Refused(_))));
    }
}

/// Fails if: ten refusals with words in a row go on at full speed, or people are not told.
#[tokio::test(start_paused = true)]
async fn all_are_refused_with_words() {
    for concurrency in [1, 4] {
        let mut station = Station::new(concurrency);
        station.remote.server().default = Reply::Refuse(Kind::Refused, 400);
        for _ in 0..1000 {
            station.put();
        }
        station.start();
        station.pass(MINUTE / 3).await;
        assert_eq!(station.remote.server().sent.len(), 10);
        assert!(station.reason().contains("refused the last 10 reports"), "{}", station.reason());
        station.pass(10 * MINUTE).await;
        let sent = station.remote.server().sent.len();
        assert!((28..=31).contains(&sent), "one every 30 s: {sent}");
        assert_eq!(station.store.memory().verdicts.len(), sent);
        station.remote.server().default = Reply::Accept;
        station.wait(5 * MINUTE, "all", |station| station.store.memory().verdicts.len() == 1000).await;
        assert_eq!(station.status.not_ready(), None);
    }
}

/// Fails if: a report of which nobody can tell whether it or the server is the trouble goes to `failed/`, stops
/// the next one, or nobody is told which it is.
#[tokio::test(start_paused = true)]
async fn alone() {
    for (kind, status) in [(Kind::RefusedBlank, 413), (Kind::Trouble, 500)] {
        let mut station = Station::new(4);
        let bad = station.put();
        station.replies(bad, &[Reply::Refuse(kind, status)]);
        station.start();
        station.pass(DAY).await;
        assert_eq!(station.verdict(bad), None);
        let reason = station.reason();
        assert!(reason.contains("\"1.json\"") && !reason.contains("check "), "{reason}");
        let sent = station.times(bad);
        assert!((280..=600).contains(&sent), "the longest back-off: {sent}");
        let good = station.put();
        station.wait(2 * SECOND, "the next one", |station| station.is_delivered(good)).await;
    }
}

/// Fails if: suspects or parked reports are lost over a restart, or not tried when they should be.
#[tokio::test(start_paused = true)]
async fn over_a_restart() {
    let mut station = Station::new(4);
    let (parked, suspect) = (station.put(), station.put());
    station.replies(parked, &[Reply::Refuse(Kind::Gate, 401)]);
    station.replies(suspect, &[Reply::Refuse(Kind::Trouble, 500)]);
    station.put();
    station.start();
    station.pass(5 * SECOND).await;
    station.put();
    station.wait(MINUTE, "parked", |station| station.is_parked(parked)).await;
    station.stop().await;
    assert_eq!(station.store.memory().suspects.len(), 2);
    station.start();
    station.pass(MINUTE).await;
    assert_eq!(station.verdict(parked), None);
    assert!(station.status.parked_reports().is_some_and(|parked| parked.count == 1));
    assert!(!station.status.problems().contains_key(&Area::Server), "{}", station.reason());
    let (tried, suspected) = (station.times(parked), station.times(suspect));
    station.pass(2 * DAY).await;
    assert!((2..=3).contains(&(station.times(parked) - tried)), "daily");
    assert!(station.times(suspect) > suspected + 100, "with its own back-off");
    station.replies(parked, &[Reply::Accept]);
    station.replies(suspect, &[Reply::Accept]);
    station.link.send_modify(|_| {});
    station.wait(2 * SECOND, "by command", |station| station.is_delivered(parked)).await;
    station.wait(DAY + HOUR, "by itself", |station| station.is_delivered(suspect)).await;
    assert_eq!((station.status.not_ready(), station.status.parked_reports()), (None, None));
}

/// Fails if: a report that is on its way while another one passes is taken for one that is not: it could be sent
/// twice at once, and its place among those on their way would never be free again.
#[tokio::test(start_paused = true)]
async fn passed_while_on_its_way() {
    let mut station = Station::new(4);
    let early = station.put();
    station.replies(early, &[Reply::Refuse(Kind::Trouble, 500), Reply::Hang]);
    station.put();
    station.start();
    station.pass(SECOND / 2).await;
    station.wait(MINUTE, "on its way again", |station| station.times(early) == 2).await;
    let good = station.put();
    station.wait(MINUTE, "another one", |station| station.is_delivered(good)).await;
    station.pass(DAY).await;
    assert_eq!(station.times(early), 2);
    // It is still there to be called off, and nothing else waits for it.
    assert!(station.stop().await >= 5 * SECOND);
}

/// When the later of two reports with one identifier comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comes {
    /// The earlier one was not sent yet.
    First,
    /// The earlier one is held.
    Later,
    /// The earlier one is on its way once more.
    OnItsWay,
    /// The service stands still.
    Stopped,
}

/// Fails if: a corrected report waits for its old version, is sent before it, or an old version that is still to
/// be decided in its turn is given up; or nobody is told why it lies in `failed/`.
#[tokio::test(start_paused = true)]
async fn a_later_report_takes_the_place_of_one_that_is_held() {
    let refuse = |kind, status| Reply::Refuse(kind, status);
    let (suspect, parked) = (refuse(Kind::Trouble, 500), refuse(Kind::Gate, 401));
    let other_id = Reply::OtherId(Ok(false));
    let rows: &[(&str, &[Reply], Comes, bool)] = &[
        // What the earlier one meets, when the later one comes, and whether that takes its place.
        ("accepted", &[Reply::Accept], Comes::First, false),
        ("refused", &[refuse(Kind::Refused, 400)], Comes::First, false),
        ("suspect", std::slice::from_ref(&suspect), Comes::First, true),
        ("suspect", std::slice::from_ref(&suspect), Comes::Later, true),
        ("suspect", std::slice::from_ref(&suspect), Comes::OnItsWay, true),
        ("suspect, then accepted", &[suspect.clone(), Reply::Accept], Comes::OnItsWay, false),
        ("suspect", std::slice::from_ref(&suspect), Comes::Stopped, true),
        ("other id", std::slice::from_ref(&other_id), Comes::Later, true),
        ("blank", &[refuse(Kind::RefusedBlank, 413)], Comes::Later, true),
        ("parked", std::slice::from_ref(&parked), Comes::First, true),
        ("parked", std::slice::from_ref(&parked), Comes::Later, true),
        ("parked", std::slice::from_ref(&parked), Comes::Stopped, true),
    ];
    for (row, replies, comes, takes_its_place) in rows {
        for concurrency in [1, 4] {
            let what = format!("{row}, {comes:?}, {concurrency} at once");
            let mut station = Station::new(concurrency);
            let early = station.put();
            station.replies(early, &replies[..1]);
            let mut late = (*comes == Comes::First).then(|| station.put_twin(early));
            station.put();
            station.start();
            station.pass(SECOND).await;
            station.put();
            if *comes == Comes::OnItsWay {
                station.remote.server().latency = 5 * SECOND;
                station.replies(early, &replies[replies.len() - 1..]);
                let tried = station.times(early);
                station.wait(HOUR, &what, |station| station.times(early) > tried).await;
            } else {
                station.pass(10 * SECOND).await;
            }
            if *comes == Comes::Stopped {
                station.stop().await;
            }
            let late = *late.get_or_insert_with(|| station.put_twin(early));
            if *comes == Comes::Stopped {
                station.start();
            }
            station.wait(MINUTE, &what, |station| station.is_delivered(late)).await;
            station.wait(MINUTE, &what, |station| station.verdict(early).is_some()).await;
            station.pass(2 * HOUR).await;
            let reason = match station.verdict(early) {
                Some(Verdict::Refused(reason)) => reason,
                _ => String::new(),
            };
            assert_eq!(
                reason.contains("a later report with the same id"),
                *takes_its_place,
                "{what}: {reason}"
            );
            assert_eq!(station.times(late), 1, "{what}");
            let order: Vec<i64> = station.remote.server().sent.iter().map(|(_, seq)| *seq).collect();
            let at = order.iter().position(|seq| *seq == late).unwrap();
            assert!(!order[at..].contains(&early), "{what}: {order:?}");
            assert_eq!((station.status.not_ready(), station.status.parked_reports()), (None, None), "{what}");
        }
    }
}

/// Fails if: a change of settings does not end a pause at once, or an answer to an old request does harm.
#[tokio::test(start_paused = true)]
async fn other_settings_are_tried_at_once() {
    let mut station = Station::new(4);
    station.remote.server().default = Reply::Refuse(Kind::Gate, 401);
    station.remote.server().version = Err((Kind::Gate, 401));
    for _ in 0..20 {
        station.put();
    }
    station.start();
    station.pass(HOUR).await;
    let (new, old) = (Station::new(1).remote, station.remote.clone());
    station.link.send_modify(|link| link.remote = Ok(new.clone()));
    station.wait(3 * SECOND, "all", |station| (1..=20).all(|seq| station.is_delivered(seq))).await;
    assert_eq!(new.server().sent.len(), 20);
    assert!(old.server().sent.len() < 40);
    assert_eq!(station.status.not_ready(), None);
    station.link.send_modify(|link| link.remote = Err("server.url is missing".to_owned()));
    station.put();
    station.pass(HOUR).await;
    assert!(station.reason().contains("server.url is missing"));
    assert_eq!(new.server().sent.len(), 20);
}

/// Fails if: a file that changed is sent, one that is gone is waited for, or one that cannot be read stops the
/// others or is not tried again.
#[tokio::test(start_paused = true)]
async fn bodies_that_are_not_there() {
    let mut station = Station::new(1);
    let (changed, gone, unreadable) = (station.put(), station.put(), station.put());
    station.store.memory().bodies.extend([(changed, Body::Changed), (gone, Body::Gone)]);
    station.store.memory().unreadable.insert(unreadable, 3);
    let good = station.put();
    station.start();
    station.wait(3 * SECOND, "the good one", |station| station.is_delivered(good)).await;
    assert_eq!(station.store.memory().changed, [changed]);
    assert!(station.reason().contains("cannot be read"), "{}", station.reason());
    station.wait(MINUTE, "the unreadable one", |station| station.is_delivered(unreadable)).await;
    assert_eq!((station.times(changed), station.times(gone)), (0, 0));
    station.pass(2 * SECOND).await;
    assert_eq!(station.status.not_ready(), None);
}

/// Fails if: a 503 is taken for a limit, a 429 is not, or the pace does not show while it holds reports up and for
/// as long as it is known.
#[tokio::test(start_paused = true)]
async fn the_pace_that_was_learnt() {
    let busy = Kind::Busy { retry_after: Some(SECOND) };
    for (status, is_limit) in [(503, false), (429, true)] {
        let mut station = Station::new(4);
        let last = (0..200).map(|_| station.put()).last().unwrap();
        station.replies(40, &[Reply::Refuse(busy, status), Reply::Accept]);
        station.start();
        station.pass(4 * SECOND).await;
        assert_eq!(station.status.pace().is_some(), is_limit, "{status}");
        assert_eq!(station.status.notes().contains_key(&Topic::Pace), is_limit, "{status}");
        station.wait(MINUTE, "all", |station| (1..=last).all(|seq| station.is_delivered(seq))).await;
        station.pass(2 * SECOND).await;
        assert!(!station.status.notes().contains_key(&Topic::Pace), "nothing waits");
        station.pass(11 * MINUTE).await;
        assert_eq!(station.status.pace(), None, "forgotten");
    }
}

/// Fails if: the setting is not kept, or not used.
#[tokio::test(start_paused = true)]
async fn the_pace_of_the_setting() {
    let mut station = Station::new(8);
    station.link.send_modify(|link| link.max_per_minute = Some(120));
    for _ in 0..1000 {
        station.put();
    }
    station.start();
    station.pass(5 * MINUTE).await;
    let sent = station.remote.server().sent.len();
    assert!((595..=605).contains(&sent), "{sent}");
}
