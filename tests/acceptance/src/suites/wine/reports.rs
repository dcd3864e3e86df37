//! The server that the installed client sends to, and the reports that it sends.

use super::prefix::DATA;
use crate::client::{self, TOKEN};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::Path;
use wats_test_server::{Options, Server};

/// A WATS server that can go away and come back under the same address.
pub(crate) struct Wats {
    server: RefCell<Option<Server>>,
    address: SocketAddr,
}

impl Wats {
    /// Starts a server on a free port of the loopback interface.
    pub(crate) fn start() -> Result<Wats> {
        let server = start(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = server.url().trim_start_matches("http://").parse().context("the server's address")?;
        Ok(Wats { server: RefCell::new(Some(server)), address })
    }

    /// The address of the server.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The server goes away.
    pub(crate) fn stop(&self) {
        self.server.borrow_mut().take();
    }

    /// The server is back, with an empty database.
    pub(crate) fn restart(&self) -> Result<()> {
        self.stop();
        *self.server.borrow_mut() = Some(start(self.address)?);
        Ok(())
    }

    /// A configuration that sends to this server.
    pub(crate) fn configuration(&self) -> String {
        // No health endpoint: its port may be taken on the machine that runs the test.
        format!("{:#}\n", client::configuration(Path::new(DATA), &self.url(), 0))
    }

    /// Waits until `report` has arrived as the first and only one since the server started.
    pub(crate) fn expect(&self, report: &Value) -> Result<()> {
        let server = self.server.borrow();
        let server = server.as_ref().context("the server is not running")?;
        client::expect_report(server, 1, report.to_string().as_bytes()).with_context(|| {
            let requests = server.received();
            let requests: Vec<_> = requests.iter().map(|request| (&request.method, &request.path)).collect();
            format!("the server saw the requests {requests:?}")
        })
    }

    /// Waits until `count` reports have arrived since the server started, and no more.
    pub(crate) fn expect_all(&self, count: usize) -> Result<()> {
        let server = self.server.borrow();
        let server = server.as_ref().context("the server is not running")?;
        let reports = server.wait_for_reports_blocking(count, client::PATIENCE)?;
        ensure!(reports.len() == count, "{} reports arrived, not {count}", reports.len());
        Ok(())
    }
}

fn start(listen: SocketAddr) -> Result<Server> {
    let options = Options { listen, token: Some(TOKEN.to_owned()), ..Options::default() };
    Server::start_with(options).with_context(|| format!("starting a server on {listen}"))
}

/// A report as a test station exports it, told apart from others by the end of its id and serial number.
pub(crate) fn report(number: u8) -> Result<Value> {
    let mut report: Value =
        serde_json::from_slice(&client::sample()?).context("reading the sample report")?;
    report["id"] = format!("33a2d408-3fc8-480b-b554-6866c77fd9{number:02x}").into();
    report["sn"] = format!("FATTest-{number}").into();
    Ok(report)
}
