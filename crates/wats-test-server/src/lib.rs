//! A WATS server for tests: takes reports as a real one does, keeps them, and fails as scripted.
//!
//! It speaks what `wats` and `pywats-client` need: `POST /api/Report/WSJF` and
//! `GET /api/App/Version`, with `Basic` authorization where a token is set. As on a real server, a
//! report without id is given one, and a report with a known id replaces the older one.
//!
//! [`Server`] runs on a thread of its own, so that a blocking test can use it like an
//! asynchronous test. It stops when it is dropped.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use wats_test_server::{Answer, Server};
//!
//! let server = Server::start()?;
//! server.script([Answer::status(503), Answer::Accept]); // the first submission fails, the second passes
//! println!("submit reports to {}", server.url());
//! # Ok(()) }
//! ```

mod answer;
mod http;
mod record;
mod server;
mod state;
mod tls;

pub use self::answer::Answer;
pub use self::server::{Options, Server, TooFew};
pub use self::state::Received;

/// What `GET /api/App/Version` answers.
pub const VERSION: &str = "2025.3.9.824";
