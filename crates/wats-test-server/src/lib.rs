//! A WATS server for tests: takes reports as a real one does, keeps them, and fails as scripted.
//!
//! It speaks what `wats` and `pywats-client` need: `POST /api/Report/WSJF`, `GET /api/Report/Wsjf/{id}` and
//! `GET /api/App/Version`, in JSON or XML, with `Basic` authorization where a token is set. As on a real server, a
//! report without id is given one, and a report with a known id replaces the older one. With
//! [`Options::strict`] it refuses what the vendor's [`rules`] refuse.
//!
//! It misbehaves on order: next time ([`Server::script`]), one report only ([`Server::always`],
//! [`Server::script_report`]), one kind of request ([`Server::set_for`]), or always ([`Server::set_default`]), by
//! an [`Answer`]; [`pages`] has those of IIS, firewalls and proxies. It counts what came ([`Server::traffic`],
//! [`Server::arrivals`]), and knows the promise of the client ([`Server::each_once`]).
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
mod body;
pub mod check;
mod http;
pub mod pages;
mod record;
mod request;
pub mod rules;
mod server;
mod state;
mod tls;
mod traffic;
mod wire;

pub use self::answer::Answer;
pub use self::request::{Kind, Received};
pub use self::server::{Options, Server, TooFew};
pub use self::tls::Tls;
pub use self::traffic::{Arrival, Traffic};
pub use self::wire::Format;

/// What `GET /api/App/Version` answers.
pub const VERSION: &str = "2025.3.9.824";
