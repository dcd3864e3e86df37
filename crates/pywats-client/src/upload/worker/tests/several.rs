//! Several bad reports at once, while others pass: neither do the others wait, nor are people told of the server.

use super::station::{Limit, Reply, SECOND, Station};
use super::{HOUR, MINUTE, most};
use crate::status::Area;
use std::time::Duration;
use wats::FailureKind as Kind;

/// What becomes of bad reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Parked,
    Failed,
    Suspect,
}

fn is_end(station: &Station, seq: i64, end: End) -> bool {
    match end {
        End::Parked => station.is_parked(seq),
        End::Failed => station.verdict(seq).is_some() && !station.is_delivered(seq),
        End::Suspect => station.verdict(seq).is_none() && !station.is_parked(seq),
    }
}

/// Fails if: several reports that meet the same are never decided, as each counts for the others as a sign of an
/// outage; a good one waits for them for longer than their number in seconds; they are sent again and again; or
/// people are told of the server. All at once or one by one, after an outage and without one.
#[tokio::test(start_paused = true)]
async fn the_same_from_several() {
    let rows = [
        ("C", Reply::Refuse(Kind::NotWats, 200), End::Parked),
        ("D 302", Reply::Refuse(Kind::Gate, 302), End::Parked),
        ("D 401", Reply::Refuse(Kind::Gate, 401), End::Parked),
        ("F 403", Reply::Refuse(Kind::RefusedBlank, 403), End::Failed),
        ("G 500", Reply::Refuse(Kind::Trouble, 500), End::Suspect),
        ("B cannot be read", Reply::OtherId(Err(403)), End::Suspect),
    ];
    for (row, reply, end) in &rows {
        for (count, between, concurrency, outage) in
            [(3, 300, 8, false), (3, 0, 1, false), (5, 0, 8, true), (20, 0, 8, false), (20, 2000, 1, true)]
        {
            let what = format!("{count} of {row}, each {between} ms, {concurrency} at once, outage {outage}");
            let mut station = Station::new(concurrency);
            station.start();
            station.put();
            station.pass(SECOND).await;
            station.remote.server().down = outage;
            let mut bad = Vec::new();
            for _ in 0..count {
                let seq = station.put();
                station.replies(seq, std::slice::from_ref(reply));
                bad.push(seq);
                station.pass(Duration::from_millis(between)).await;
            }
            station.remote.server().down = false;
            for (number, rest) in [10, 4, 4, 60, 90, 600, 30, 60, 600, 30].into_iter().enumerate() {
                station.pass(rest * SECOND).await;
                let good = station.put();
                let most = if number == 0 && outage { 2 * MINUTE } else { (count + 2) * SECOND };
                let what = format!("{what}: good report {number}");
                station.wait(most, &what, |station| station.is_delivered(good)).await;
            }
            station.pass(SECOND).await;
            for seq in bad {
                let times = station.times(seq);
                assert!(is_end(&station, seq, *end), "{what}: {seq}, {times} times: {}", station.reason());
                assert!(*end == End::Suspect || times <= 10, "{what}: {times} times");
            }
            let reason = station.reason();
            assert!(!station.status.problems().contains_key(&Area::Server), "{what}: {reason}");
            assert_eq!(reason.is_empty(), *end != End::Suspect, "{what}: {reason}");
        }
    }
}

/// Fails if: a report that comes while all are refused is not tried soon, a server that refuses all is sent too much,
/// or what waits is not sent soon after that is over.
#[tokio::test(start_paused = true)]
async fn all_are_refused_and_more_come() {
    for (kind, status) in
        [(Kind::Gate, 401), (Kind::NotWats, 200), (Kind::RefusedBlank, 403), (Kind::Trouble, 500)]
    {
        for each in [1, 10] {
            let what = format!("{kind:?}, one each {each} s");
            let mut station = Station::new(8);
            station.remote.server().default = Reply::Refuse(kind, status);
            station.start();
            let mut last = 0;
            for _ in 0..3600 / each {
                last = station.put();
                station.pass(each * SECOND).await;
            }
            assert!(station.status.problems().contains_key(&Area::Server), "{what}: {}", station.reason());
            let (sent, at_once) = {
                let server = station.remote.server();
                (server.sent.len(), most(server.sent.iter().map(|(at, _)| *at).collect()))
            };
            assert!(sent <= 150 && at_once <= 12, "{what}: {sent}, {at_once} in 10 s");
            assert!(station.store.memory().verdicts.is_empty(), "{what}");
            station.remote.server().default = Reply::Accept;
            station.put();
            let all = |station: &Station| (1..=last).all(|seq| station.is_delivered(seq));
            // Suspects wait for themselves, and what was parked for an hour.
            station.wait(2 * MINUTE, &what, |station| station.is_delivered(last)).await;
            station.wait(2 * HOUR, &what, all).await;
            station.pass(2 * SECOND).await;
            assert_eq!(station.status.not_ready(), None, "{what}");
        }
    }
}

/// Fails if: a good report waits for a suspect on which the server hangs.
#[tokio::test(start_paused = true)]
async fn the_server_hangs_on_several() {
    let mut station = Station::new(4);
    station.start();
    for _ in 0..3 {
        let seq = station.put();
        station.replies(seq, &[Reply::Refuse(Kind::Trouble, 500), Reply::Hang]);
        station.pass(SECOND / 2).await;
    }
    for rest in [10, 60, 600] {
        station.pass(rest * SECOND).await;
        let good = station.put();
        station.wait(3 * SECOND, "a good one", |station| station.is_delivered(good)).await;
    }
}

/// Fails if: what the server says to some reports only (429) makes all slow, or names the server.
#[tokio::test(start_paused = true)]
async fn told_to_wait_alone() {
    for count in [1, 3] {
        for concurrency in [1, 8] {
            let what = format!("{count}, {concurrency} at once");
            let mut station = Station::new(concurrency);
            let busy = Kind::Busy { retry_after: Some(SECOND) };
            let bad: Vec<i64> = (0..count).map(|_| station.put()).collect();
            for seq in &bad {
                station.replies(*seq, &[Reply::Refuse(busy, 429)]);
            }
            let good: Vec<i64> = (0..400).map(|_| station.put()).collect();
            station.start();
            let all = |station: &Station| good.iter().all(|seq| station.is_delivered(*seq));
            station.wait(MINUTE + 40 * SECOND, &what, all).await;
            assert_eq!(station.status.pace(), None, "{what}");
            let rest = station.put();
            station.wait(2 * SECOND, &what, |station| station.is_delivered(rest)).await;
            station.pass(HOUR).await;
            assert!(!station.status.problems().contains_key(&Area::Server), "{what}: {}", station.reason());
            for seq in bad {
                assert!(is_end(&station, seq, End::Suspect) && station.times(seq) < 60, "{what}");
            }
            // Nor do they after a restart.
            station.stop().await;
            station.start();
            let waiting: Vec<i64> = (0..100).map(|_| station.put()).collect();
            let all = |station: &Station| waiting.iter().all(|seq| station.is_delivered(*seq));
            station.wait(20 * SECOND, &what, all).await;
        }
    }
}

/// Fails if: a limit for all is taken for one of single reports: it is met again and again, or what it allows is
/// not used; or one that was lifted is felt for long.
#[tokio::test(start_paused = true)]
async fn a_limit_for_all() {
    for (allowed, window) in [(10, 10), (100, 60), (30, 60)] {
        for concurrency in [1, 8] {
            let what = format!("{allowed} in {window} s, {concurrency} at once");
            let mut station = Station::new(concurrency);
            station.remote.server().limit = Some(Limit::new(allowed, window * SECOND));
            for _ in 0..10_000 {
                station.put();
            }
            station.start();
            station.pass(10 * MINUTE).await;
            let (sent, accepted) =
                (station.remote.server().sent.len(), station.store.memory().verdicts.len());
            let possible = allowed * 600 / window as usize;
            assert!(accepted * 10 >= possible * 7, "{what}: {accepted} of {possible}");
            assert!(sent - accepted <= 80 + possible / 10, "{what}: {sent} for {accepted}");
            assert!(!station.reason().contains("report "), "{what}: {}", station.reason());
            station.remote.server().limit = None;
            station.pass(3 * MINUTE).await;
            let more = station.store.memory().verdicts.len() - accepted;
            assert!(more * 10 >= possible * 6, "{what}: {more} in 3 minutes, {accepted} in 10 before");
        }
    }
}
