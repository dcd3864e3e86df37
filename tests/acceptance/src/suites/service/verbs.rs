//! What people ask of the installed service by its commands: operators, others, and root.

use super::Service;
use crate::client;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use wats_test_server::Server;

/// Verbs that change something, which operators may not use.
const CHANGES: [&str; 4] =
    ["queue retry --all", "queue drop 0000", "failed retry --all", "reprocess --from done --all"];

impl Service<'_> {
    /// Fails if: an operator cannot look or send, or may change something, or anybody else may do anything.
    pub(super) fn answers_operators(&self) -> Result<()> {
        let server = Server::start()?;
        self.configure(server.url())?;
        self.wait_for("StatusText", "ready")?;
        self.run("mkdir -m 755 /said-by-users && cp /report.json /said-by-users/sent.json")?;
        let status = self.as_user("alice", 0, "status --json")?;
        ensure!(status.contains("\"healthy\": true"), "{status}");
        self.as_user("alice", 0, "queue list")?;
        self.as_user("alice", 0, "failed list")?;
        self.as_user("alice", 0, "send /said-by-users/sent.json")?;
        client::expect_report(&server, 1, &client::sample()?)?;
        for verb in CHANGES {
            self.as_user("alice", 14, verb)?;
        }
        for verb in ["status --json", "queue list", "failed list", "send /said-by-users/sent.json"] {
            self.as_user("visitor", 14, verb)?;
        }
        for verb in CHANGES {
            self.as_user("visitor", 14, verb)?;
        }
        client::expect_report(&server, 1, &client::sample()?)
    }

    /// Fails if: root cannot have a report tried again, given up or taken back, cannot look while the service is stopped,
    /// or leaves a file of its own in the data folder.
    pub(super) fn obeys_root(&self) -> Result<()> {
        // Nobody answers there, so that what is sent waits.
        self.configure("http://127.0.0.1:9")?;
        self.wait_for("StatusText", "not ready")?;
        self.as_user("root", 0, "send --name waits.json /report.json")?;
        let id = self.only_waiting()?;
        self.as_user("root", 0, &format!("queue retry {id}"))?;
        self.as_user("root", 0, "queue retry --all")?;
        self.as_user("root", 0, &format!("queue drop {id}"))?;
        client::expect_file(&self.root.path("var/lib/pywats/failed/waits.json"))?;
        let failed = self.as_user("root", 0, "failed list --json")?;
        ensure!(failed.contains("waits.json"), "{failed}");
        self.as_user("root", 0, "failed retry waits.json")?;
        self.wait_for("StatusText", "1 report")?;

        self.ends_with(0, "systemctl stop pywats-client")?;
        let status = self.as_user("root", 32, "status --json")?;
        ensure!(status.contains("\"pending_count\": 1"), "{status}");
        self.only_waiting()?;
        self.as_user("alice", 32, "status")?;
        let roots = self.system.read("find /var/lib/pywats -user root")?;
        ensure!(roots.is_empty(), "root owns {roots}");
        self.ends_with(0, "systemctl start pywats-client")?;
        let server = Server::start()?;
        self.configure(server.url())?;
        client::expect_report(&server, 1, &client::sample()?)?;
        client::expect_file(&self.root.path("var/lib/pywats/done/waits.json"))
    }

    /// The identifier of the one report that waits.
    fn only_waiting(&self) -> Result<String> {
        let list = self.as_user("root", 0, "queue list --json")?;
        let list: Value = serde_json::from_str(&list).with_context(|| list.clone())?;
        let entries = list["entries"].as_array().context("there are no entries")?;
        ensure!(entries.len() == 1, "not one report waits: {list}");
        Ok(entries[0]["id"].as_str().context("a report has no identifier")?.to_owned())
    }

    /// What the client says to somebody, with this exit code.
    pub(super) fn as_user(&self, user: &str, code: u8, words: &str) -> Result<String> {
        let command = match user {
            "root" => format!("pywats-client {words}"),
            user => format!("su {user} -s /bin/sh -c 'pywats-client {words}'"),
        };
        let said = self.ends_with(code, &command)?;
        // The exit code stands behind it.
        Ok(said.trim_end().rsplit_once(' ').map_or_else(String::new, |(said, _)| said.to_owned()))
    }
}
