//! A life that begins with a seed: network, keys, server, token and the name of the station come from a disk, as a
//! hypervisor gives it. An operator brings a report, which reaches the server.

use super::machine::{HOST, Login, Machine, Qemu};
use crate::bench::Bench;
use crate::client::{TOKEN, expect_report, sample};
use crate::command::tool;
use crate::products::workspace;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use wats_test_server::{Options, Server};

/// A name that a shell, YAML or JSON would do something to.
pub(super) const STATION: &str = r#"Línea "3" – 'Prüfplatz' $HOME `id` \n"#;

/// The account and password of an operator.
pub(super) const OPERATOR: &str = "line-3";
pub(super) const PASSWORD: &str = r#"pä"ss $HOME"#;

/// Accounts with a password.
pub(super) const PASSWORDS: &str = "awk -F: '$2 !~ /^[!*]/ { print $1 }' /etc/shadow";

/// A server, the keys of an administrator, and a place for the machine.
pub(super) struct Site {
    pub(super) server: Server,
    pub(super) key: PathBuf,
    pub(super) folder: PathBuf,
}

impl Site {
    /// What is kept of the machine lies in `target/test/appliance-NAME`.
    pub(super) fn new(name: &str) -> Result<Site> {
        let folder = workspace().join("target/test").join(format!("appliance-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let options = Options { token: Some(TOKEN.to_owned()), ..Options::default() };
        let key = folder.join("key");
        tool("ssh-keygen", 30).args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).run()?;
        Ok(Site { server: Server::start_with(options)?, key, folder })
    }

    /// The server's address for the machine.
    pub(super) fn address(&self) -> String {
        self.server.url().replace("127.0.0.1", HOST)
    }

    pub(super) fn public_key(&self) -> Result<String> {
        Ok(fs::read_to_string(self.key.with_extension("pub"))?.trim().to_owned())
    }

    /// The files of a seed with a fixed address, as docs/appliance.md has them.
    pub(super) fn seed(&self) -> Result<Vec<(&'static str, String)>> {
        let quoted = |text: &str| serde_json::to_string(text);
        let hash = tool("openssl", 30).args(["passwd", "-6", "-salt", "sodium", PASSWORD]).read()?;
        let user_data = format!(
            "#cloud-config\nssh_authorized_keys:\n  - {key}\nusers:\n  - default\n  - name: {OPERATOR}\n    \
             groups: [pywats-operators]\n    shell: /usr/sbin/nologin\n    homedir: /nonexistent\n    \
             no_create_home: true\n    lock_passwd: false\n    hashed_passwd: {hash}\nruncmd:\n  - [env, {server}, \
             {token}, {station}, appliance-setup, --silent]\n",
            key = self.public_key()?,
            hash = quoted(hash.trim())?,
            server = quoted(&format!("PYWATS_SERVER_URL={}", self.address()))?,
            token = quoted(&format!("PYWATS_API_TOKEN={TOKEN}"))?,
            station = quoted(&format!("PYWATS_STATION_NAME={STATION}"))?,
        );
        let network = "version: 2\nethernets:\n  card:\n    match: { name: \"e*\" }\n    addresses: [10.0.2.15/24]\n    \
                       routes: [{ to: 0.0.0.0/0, via: 10.0.2.2 }]\n    nameservers: { addresses: [10.0.2.3] }\n";
        Ok(vec![
            ("meta-data", "instance-id: one\nlocal-hostname: station-3\n".to_owned()),
            ("user-data", user_data),
            ("network-config", network.to_owned()),
        ])
    }
}

/// Boots with a seed.
pub(super) fn judge(bench: &mut Bench, qemu: &Qemu, image: &Path) -> Result<()> {
    let site = Site::new("seed")?;
    let files = site.seed()?;
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, &**text)).collect();
    let machine = RefCell::new(Machine::new(qemu, image, &site.folder)?.with_seed("cidata", &files)?);
    let start = || {
        let mut machine = machine.borrow_mut();
        machine.start()?;
        machine.wait_for_ssh(&site.key)
    };
    bench.steps(
        "BIOS, with a seed",
        &[
            ("its administrator can log in by the key", &start),
            ("it is set up as the seed says", &|| set_up(&machine.borrow(), &site)),
            ("it has keys and an identity of its own, and no password that nobody gave it", &|| {
                own(&machine.borrow(), &site)
            }),
            ("an operator's report arrives, and he sees nothing but the watch folder", &|| {
                operator(&machine.borrow(), &site)
            }),
        ],
    );
    Ok(())
}

/// What the seed said is so, and nothing went wrong on the way.
fn set_up(machine: &Machine<'_>, site: &Site) -> Result<()> {
    let root = |script: &str| machine.root(&site.key, script);
    root("cloud-init status --wait").context("cloud-init has something to say")?;
    is_configured(machine, site)?;
    ensure!(root("hostname")?.trim() == "station-3", "it has another name");
    let address = root("networkctl status --no-pager")?;
    ensure!(address.contains("10.0.2.15") && !address.contains("DHCP4"), "its address:\n{address}");
    Ok(())
}

/// The client runs with server and station of this site, and nothing else has failed.
pub(super) fn is_configured(machine: &Machine<'_>, site: &Site) -> Result<()> {
    let root = |script: &str| machine.root(&site.key, script);
    let config: Value = serde_json::from_str(&root("cat /etc/pywats/config.json")?)?;
    let said = (config["server"]["url"].as_str(), station(&config));
    ensure!(said == (Some(&*site.address()), Some(STATION)), "it is configured so: {config}");
    root("systemctl is-active pywats-client ssh systemd-networkd systemd-resolved")?;
    let failed = root("systemctl --failed --no-legend --plain")?;
    ensure!(failed.trim().is_empty(), "units have failed:\n{failed}");
    root("pywats-client status && pywats-client check")?;
    Ok(())
}

/// Waits for what was sent, as the report of that number.
pub(super) fn expect_arrival(
    machine: &Machine<'_>,
    site: &Site,
    number: usize,
    sent: &[u8],
) -> Result<()> {
    expect_report(&site.server, number, sent).with_context(|| {
        let script = "pywats-client status; find /var/lib/pywats -type f | tail -n 20; \
                      journalctl --no-pager --unit pywats-client --lines 40";
        let said = machine.root(&site.key, script).unwrap_or_else(|error| format!("{error:#}"));
        format!("{}\nthe client:\n{said}", machine.last_words())
    })
}

/// The name of the station in a configuration.
fn station(config: &Value) -> Option<&str> {
    config["station"]["name"].as_str()
}

fn own(machine: &Machine<'_>, site: &Site) -> Result<()> {
    let root = |script: &str| machine.root(&site.key, script);
    let with_password = root(PASSWORDS)?;
    ensure!(with_password.trim() == OPERATOR, "accounts with a password: {with_password}");
    let identity = root("cat /etc/machine-id")?;
    ensure!(identity.trim().len() == 32, "its machine-id is {identity:?}");
    // None came with the disk: a key says on which host it was made.
    let keys = root("cat /etc/ssh/ssh_host_*_key.pub")?;
    let hosts: Vec<&str> = keys.lines().map(|key| key.rsplit(' ').next().unwrap_or_default()).collect();
    let are_its_own = hosts.len() > 1 && hosts.iter().all(|host| *host == "root@station-3");
    ensure!(are_its_own, "its host keys:\n{keys}");
    let listening = root("ss -Hltn | awk '$4 !~ /^(127|\\[::1\\])/ { print $4 }' | sort -u")?;
    let ports: Vec<&str> = listening.lines().map(|line| line.rsplit(':').next().unwrap_or(line)).collect();
    ensure!(ports.iter().all(|port| *port == "22"), "it listens at:\n{listening}");
    for user in ["root", "admin"] {
        let refused = machine.ssh(user, Login::Password("admin"), "true")?.output()?;
        ensure!(!refused.status.success(), "{user} may log in with a password");
    }
    Ok(())
}

pub(super) fn operator(machine: &Machine<'_>, site: &Site) -> Result<()> {
    let login = Login::Password(PASSWORD);
    let report = site.folder.join("report.json");
    fs::write(&report, sample()?)?;
    let seen = machine.sftp(OPERATOR, login, "ls -1 /\n")?;
    let seen: Vec<&str> = seen.lines().filter(|line| !line.starts_with("sftp>")).map(str::trim).collect();
    ensure!(seen == ["/watch"], "an operator sees {seen:?}");
    let count = site.server.reports().len();
    machine.sftp(
        OPERATOR,
        login,
        &format!(
            "put {} /watch/report.json.part\nrename /watch/report.json.part /watch/report.json\n",
            report.display()
        ),
    )?;
    expect_arrival(machine, site, count + 1, &sample()?)?;
    let shell = machine.ssh(OPERATOR, login, "id")?.output()?;
    ensure!(!shell.status.success() || shell.stdout.is_empty(), "an operator has a shell");
    Ok(())
}
