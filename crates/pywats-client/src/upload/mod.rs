//! Uploading reports, the oldest first, one at a time.
//!
//! What happens next is decided in [`schedule`], apart from all I/O; [`worker`] carries it out. Three
//! rules keep reports safe: nothing is sent that the queue has not committed; nothing is forgotten
//! before the server has proven to have it; and what concerns all reports (a wrong token, a server out
//! of order) is never blamed on one.

pub mod schedule;
pub mod worker;

use crate::config::Config;
use wats::{Client, Failure, Proxy, Settings, Token};

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

/// Asks the server for its version, which needs address, token and proxy to be right.
///
/// # Errors
/// If the server cannot be reached or refuses.
#[tokio::main(flavor = "current_thread")]
pub async fn ask_version(client: &Client) -> Result<String, Failure> {
    client.version().await
}
