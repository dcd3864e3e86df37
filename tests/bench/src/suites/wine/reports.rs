//! The server that the installed client sends to, and the reports that it sends.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::cell::RefCell;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use wats_test_server::{Options, Server};

/// The token: base64 of `station:secret`.
const TOKEN: &str = "c3RhdGlvbjpzZWNyZXQ=";
/// How long a report may take from the watch folder to the server. A client whose server was away for a
/// while waits between its attempts.
const DELIVERY: Duration = Duration::from_secs(30);

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

    /// The server goes away.
    pub(crate) fn stop(&self) {
        self.server.borrow_mut().take();
    }

    /// The server is back, with an empty database.
    pub(crate) fn restart(&self) -> Result<()> {
        *self.server.borrow_mut() = Some(start(self.address)?);
        Ok(())
    }

    /// A configuration that sends to this server.
    pub(crate) fn configuration(&self) -> String {
        // No health endpoint: its port may be taken on the machine that runs the test.
        let text = serde_json::json!({
            "server": { "url": format!("http://{}", self.address), "token": TOKEN, "proxy": "none" },
            "upload": { "retry_initial_seconds": 1, "retry_max_seconds": 2 },
            "health": { "port": 0 },
        });
        format!("{text:#}\n")
    }

    /// Waits until `report` has arrived, and nothing else has.
    pub(crate) fn expect(&self, report: &Value) -> Result<()> {
        let server = self.server.borrow();
        let server = server.as_ref().context("the server is not running")?;
        let bodies = server.wait_for_reports_blocking(1, DELIVERY).with_context(|| {
            let requests: Vec<String> = server
                .received()
                .iter()
                .map(|request| format!("{} {}", request.method, request.path))
                .collect();
            format!("no report; the server saw the requests {requests:?}")
        })?;
        for body in bodies {
            let arrived: Value = serde_json::from_slice(&body).context("what arrived is not JSON")?;
            ensure!(arrived == *report, "the report arrived changed:\n{arrived:#}\nis not\n{report:#}");
        }
        Ok(())
    }
}

fn start(listen: SocketAddr) -> Result<Server> {
    let options = Options { listen, token: Some(TOKEN.to_owned()), ..Options::default() };
    Server::start_with(options).with_context(|| format!("starting a server on {listen}"))
}

/// A report as a test station exports it, told apart from others by the end of its id and serial number.
pub(crate) fn report(number: u8) -> Result<Value> {
    let path = crate::products::workspace().join("tests/fixtures/uut-wsjf-export.json");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let mut report: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))?;
    report["id"] = format!("33a2d408-3fc8-480b-b554-6866c77fd9{number:02x}").into();
    report["sn"] = format!("FATTest-{number}").into();
    Ok(report)
}

/// Drops a report into a folder, as a careful program does: under another name first.
pub(crate) fn drop_into(folder: &Path, name: &str, report: &Value) -> Result<()> {
    let unfinished = folder.join(format!("{name}.tmp"));
    fs::write(&unfinished, format!("{report}\n"))
        .with_context(|| format!("writing {}", unfinished.display()))?;
    fs::rename(&unfinished, folder.join(name)).with_context(|| format!("dropping {name}"))
}
