//! The server goes and comes back.

use crate::places::{DEFAULT, serial_numbers};
use crate::station::{PATIENCE, Station, TOKEN, report};
use crate::{all_arrive, thorough};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use wats_test_server::{Answer, Arrival, Options, Server};

/// A server at this address, which a connection of somebody else may have for a moment.
fn at(listen: SocketAddr) -> Server {
    let options = Options { listen, token: Some(TOKEN.to_owned()), keep: false, ..Options::default() };
    let until = Instant::now() + PATIENCE;
    loop {
        match Server::start_with(options.clone()) {
            Ok(server) => return server,
            Err(error) => assert!(Instant::now() < until, "{listen}: {error}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Fails if: a server that goes away at any moment, with or without its answers, and comes back, costs a report or
/// gets one under two identifiers.
#[test]
fn the_server_goes_and_comes_back() {
    let (rounds, per_round) = if thorough() { (40, 20) } else { (6, 10) };
    let mut server = at(SocketAddr::from(([127, 0, 0, 1], 0)));
    let address: SocketAddr = server.url().trim_start_matches("http://").parse().unwrap();
    let station = Station::running(&server);
    let serial_numbers = serial_numbers(DEFAULT, rounds * per_round);
    let mut before: Vec<Arrival> = Vec::new();
    for (round, batch) in serial_numbers.chunks(per_round).enumerate() {
        server.script([Answer::AcceptThenReset, Answer::Accept, Answer::Reset, Answer::AcceptThenCutOff]);
        server.set_latency(Duration::from_millis(fastrand::u64(0..20)));
        for serial_number in batch {
            station.put(format!("{serial_number}.json"), report(serial_number));
        }
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..300)));
        let gone = server;
        // Those that are being served now are lost or kept; what it kept is asked for when it is gone.
        before.extend(stopped(gone));
        std::thread::sleep(Duration::from_millis(if round % 2 == 0 { 0 } else { 300 }));
        server = at(address);
    }
    all_arrive(&station, &serial_numbers, || {
        let mut all = before.clone();
        all.extend(server.arrivals());
        all
    });
    assert_eq!(Station::names(&station.failed()), [""; 0]);
}

/// Ends a server; what had arrived by then.
fn stopped(mut server: Server) -> Vec<Arrival> {
    server.stop();
    server.arrivals()
}
