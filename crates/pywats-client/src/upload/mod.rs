//! Uploading reports: several at once, in the order of the queue.
//!
//! - [`judge`] says what an answer means, by what else is known: a pure function.
//! - [`schedule`] knows what that is, and says when to send what; [`pause`] is the wait of all, [`case`] the
//!   wait of single reports, [`pace`] how fast it goes. None of them does any I/O.
//! - [`worker`] is the task that asks them; [`task`] is what it lets do, [`line`] the reports that wait,
//!   [`held`] those that wait for a reason of their own, [`notes`] what is to be committed, [`tell`] what people
//!   are told.
//! - [`store`] is what all of that needs of the queue and of the server.
//!
//! Three rules keep reports safe: nothing is sent that the queue has not committed; nothing is forgotten
//! before the server has proven to have it; and what concerns all reports (a wrong token, a server out of
//! order) is never blamed on one.

pub mod case;
pub mod held;
pub mod judge;
pub mod line;
pub mod notes;
pub mod order;
pub mod pace;
pub mod pause;
pub mod schedule;
pub mod store;
mod task;
mod tell;
mod unreadable;
pub mod worker;

pub use case::meaning_of;

use crate::config::{self, Config, Proof};
use pause::Waits;
use std::sync::Arc;
use wats::{Client, Failure, FailureKind, Proxy, Settings, Token};

/// The way to a server, as of the last change of the configuration.
pub type Link = worker::Link<Arc<Client>>;

/// The way to the server that a configuration describes; `client` is what [`client`] says, or what is missing.
pub fn link(client: Result<Client, String>, upload: &config::Upload) -> Link {
    Link {
        remote: client.map(Arc::new),
        waits: Waits { initial: upload.retry_initial, max: upload.retry_max },
        concurrency: upload.concurrency,
        max_per_minute: upload.max_per_minute,
        trust_answer: upload.proof == Proof::Answer,
    }
}

/// A client for the configured server, or `None` while address or token are missing.
///
/// # Errors
/// If address, token, proxy or CA file cannot be used.
pub fn client(config: &Config) -> Result<Option<Client>, Failure> {
    let server = &config.server;
    let (Some(url), Some(token)) = (&server.url, &server.token) else { return Ok(None) };
    let token: Token = token.reveal().parse()?;
    let proxy = match server.proxy.reveal() {
        "system" => Proxy::System,
        "none" => Proxy::None,
        address => Proxy::Url(address.to_owned()),
    };
    let settings = Settings {
        token: Some(token),
        proxy,
        ca_file: server.ca_file.clone(),
        timeout: server.timeout,
        user_agent: concat!("pywats-client/", env!("CARGO_PKG_VERSION")).to_owned(),
        ..Settings::new(url)
    };
    Client::new(&settings).map(Some)
}

/// What is wrong with this machine's clock, by that of the server when it answered last. Some minutes are.
pub fn clock_warning(client: &Client) -> Option<String> {
    const TOLERATED_SECONDS: i64 = 120;
    let ahead = client.clock_ahead();
    let by = match ahead.unsigned_abs() {
        seconds @ ..=7200 => format!("{} minutes", seconds / 60),
        seconds => format!("{} hours", seconds / 3600),
    };
    if ahead > TOLERATED_SECONDS {
        Some(format!(
            "this machine's clock is {by} ahead of the server's: correct it; reports that are dated in the future are \
             accepted, but nobody sees them"
        ))
    } else if ahead < -TOLERATED_SECONDS {
        Some(format!("this machine's clock is {by} behind the server's: correct it; reports are dated by it"))
    } else {
        None
    }
}

/// Asks the server for its version, which needs address, token and proxy to be right.
///
/// # Errors
/// If the server cannot be reached or refuses.
pub fn ask_version(client: &Client) -> Result<String, Failure> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| Failure {
            kind: FailureKind::Unreachable,
            message: format!("the system does not give what a connection needs: {error}"),
            words: None,
            status: None,
        })?;
    let answer = runtime.block_on(client.version());
    // A look-up of a name that nobody answers is not waited for.
    runtime.shutdown_background();
    answer
}
