//! Boots a scratch Debian system with systemd, installs the packages in it, and lets the service work under
//! its own unit, with everything that the unit forbids.
//!
//! systemd-nspawn boots it: the kernel is this machine's, the service manager is the one of the system. It
//! shares the network, so that the service reaches a test server here.

mod appimage;
mod archive;
mod folders;
mod upgrades;
mod verbs;

use crate::bench::Bench;
use crate::client::{self, wait_until};
use crate::command::{missing, said, tool};
use crate::products;
use crate::scratch::{self, CLEAN_SHELL, Root};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use wats_test_server::Server;

/// What differs between the packages.
struct Kind {
    name: &'static str,
    /// Installs a package, or upgrades to it.
    install: &'static str,
    /// What an administrator does after the installation, because the package leaves it to him.
    start: &'static str,
    remove: &'static str,
}

const DEB: Kind =
    Kind { name: "DEB", install: "dpkg --install", start: "true", remove: "dpkg --remove pywats-client" };
const RPM: Kind = Kind {
    name: "RPM",
    install: "rpm --upgrade",
    start: "systemctl enable --now pywats-client",
    remove: "rpm --erase pywats-client",
};

/// Impatient, so that the test need not wait a minute for the watchdog.
const DROP_IN: &str = "[Service]\nWatchdogSec=10\nRestartSec=1\n";

/// Lets the packages for this machine's architecture live in a running system.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let tools = ["mmdebstrap", "systemd-nspawn", "nsenter", "rpmbuild", "rpm2cpio", "cpio", "dpkg-deb", "ps"];
    let reason = match missing(&tools) {
        Some(program) => Some(format!("{program} is not installed")),
        None if !scratch::is_root()? => {
            Some("only root can boot a scratch system; run this as root".to_owned())
        }
        None => None,
    };
    if let Some(reason) = reason {
        bench.not_run("DEB and RPM in a running system", &reason);
        return Ok(());
    }
    let base = scratch::base()?;
    let arm = cfg!(target_arch = "aarch64");
    let target = if arm { "aarch64-linux" } else { "x86_64-linux" };
    let deb = bench.artifact(if arm { "_arm64.deb" } else { "_amd64.deb" })?;
    let rpm = bench.artifact(if arm { ".aarch64.rpm" } else { ".x86_64.rpm" })?;
    let unpacked = bench.artifact(if arm { "-aarch64-unknown-linux-musl.tar.gz" } else { "-x86_64-unknown-linux-musl.tar.gz" })?;

    let folder = bench.folder("higher version")?;
    tool("dpkg-deb", 60).arg("-x").args([&deb, &folder.join("tree")]).run()?;
    let program = folder.join("tree/usr/bin/pywats-client");
    for (kind, package, format) in [(DEB, deb, "deb"), (RPM, rpm, "rpm")] {
        let higher = products::package(format, target, "255.0.0", &program, &folder)?;
        let between = products::package(format, target, "254.0.0", &program, &folder)?;
        let root = Root::unpack(&base, &bench.folder(kind.name)?)?;
        if format == "rpm" {
            let stand_in = root.bring(&scratch::rpm_stand_in(&folder)?)?;
            root.run(&format!("rpm --initdb && rpm --install {stand_in}"))?;
        }
        live(bench, &kind, &root, &package, [&between, &higher]);
    }
    let appimage = bench.artifact(if arm { "-aarch64.AppImage" } else { "-x86_64.AppImage" })?;
    archive::run(bench, &base, &unpacked, &appimage)
}

/// The steps of a service's life, each on top of the one before.
fn live(bench: &mut Bench, kind: &Kind, root: &Root, package: &Path, [between, higher]: [&Path; 2]) {
    let mut booted = None;
    bench.case(&format!("{}: a system boots for it", kind.name), || {
        booted = Some(Booted::start(root)?);
        Ok(())
    });
    let Some(system) = booted else {
        bench.not_run(&format!("{}: the service in a running system", kind.name), "no system booted");
        return;
    };
    let service = Service { kind, root, system };
    let told = |outcome: Result<()>| outcome.with_context(|| service.journal());
    bench.steps(
        kind.name,
        &[
            ("starts without a configuration, as its own account", &|| told(service.starts(package))),
            ("operators reach the folder of the sockets, others do not", &|| told(service.has_doors())),
            ("the verbs of `service` know who installed it", &|| told(service.is_known())),
            ("delivers what an operator drops", &|| told(service.delivers())),
            ("operators look and send by its commands, others do not", &|| told(service.answers_operators())),
            ("root retries, drops and takes back, and looks while it is stopped", &|| told(service.obeys_root())),
            ("another folder is let in by a command, and given up by another", &|| {
                told(service.is_let_into_a_folder())
            }),
            ("no link leads root into a folder of the system", &|| told(service.is_led_nowhere())),
            ("sub-folders of a folder are let in, too", &|| told(service.is_let_into_sub_folders())),
            ("half an addition of a folder is undone", &|| told(service.undoes_half_an_add())),
            ("is restarted when it is killed", &|| told(service.survives_being_killed())),
            ("is restarted when it hangs", &|| told(service.survives_hanging())),
            ("an upgrade that cannot succeed is refused, and the old process goes on", &|| {
                told(service.refuses_upgrades(higher))
            }),
            ("the old process goes on until the new program is fit", &|| {
                told(service.waits_for_a_fit_program(between))
            }),
            ("an upgrade restarts it and keeps what waits", &|| told(service.is_upgraded(higher))),
            ("stops and goes without complaint", &|| told(service.goes())),
        ],
    );
}

/// A booted system, ended when dropped.
struct Booted {
    nspawn: Child,
    /// The process that is the first one inside.
    init: String,
    /// The name of its group of processes.
    group: String,
}

/// Where no systemd runs that would do it: puts the shell, and what it becomes, into a group of processes of its own,
/// in whichever hierarchies there are. Two systems that shared one would take each other's services for theirs.
const OWN_GROUP: &str = r#"
for root in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
    test -e "$root/cgroup.procs" && mkdir "$root/$0" && echo $$ > "$root/$0/cgroup.procs"
done 2>/dev/null
exec "$@"
"#;

impl Booted {
    fn start(root: &Root) -> Result<Booted> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let group = format!("acceptance-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let nspawn = ["systemd-nspawn", "--quiet", "--register=no"];
        let mut command = if Path::new("/run/systemd/system").exists() {
            // This machine's systemd gives the system a place among its groups of processes.
            Command::new(nspawn[0])
        } else {
            let mut command = Command::new("sh");
            command.args(["-c", OWN_GROUP, &group, nspawn[0], "--keep-unit"]);
            command
        };
        command.args(&nspawn[1..]).arg("--directory").arg(root.path(""));
        command.arg("/lib/systemd/systemd").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let nspawn = command.spawn().context("cannot start systemd-nspawn")?;
        let mut booted = Booted { nspawn, init: String::new(), group };
        let parent = booted.nspawn.id().to_string();
        wait_until(|| {
            let children = tool("ps", 10).args(["--ppid", &parent, "-o", "pid=,comm="]).read();
            let children = children.unwrap_or_default();
            let init = children.lines().find_map(|line| line.trim().strip_suffix(" systemd"));
            booted.init = init.unwrap_or_default().trim().to_owned();
            !booted.init.is_empty()
        })
        .context("systemd did not start in the scratch system")?;
        // Answered with words and a failure when something of the system, which is not ours, did not start here.
        let mut state = String::new();
        let finished = wait_until(|| {
            state = booted.read("systemctl is-system-running || true").unwrap_or_default().trim().to_owned();
            ["running", "degraded"].contains(&state.as_str())
        });
        finished.with_context(|| format!("the scratch system did not finish booting; it is {state:?}"))?;
        if state == "degraded" {
            let failed = booted.read("systemctl --failed --plain --no-legend").unwrap_or_default();
            ensure!(!failed.contains("pywats"), "of the scratch system there failed: {failed}");
            println!("         of the scratch system there failed: {failed}");
        }
        Ok(booted)
    }

    /// A shell script inside.
    fn read(&self, script: &str) -> Result<String> {
        tool("nsenter", 120)
            .args([
                "--target", &self.init, "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--root", "--wd",
            ])
            .args(CLEAN_SHELL)
            .arg(script)
            .read()
    }
}

impl Drop for Booted {
    fn drop(&mut self) {
        // systemd-nspawn ends with the first process inside, and nothing of the system outlives that.
        let ended = tool("kill", 5).arg("-KILL").arg(&self.init).run();
        if ended.is_err() {
            let _ = self.nspawn.kill();
        }
        let _ = self.nspawn.wait();
        for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"] {
            let group = Path::new(root).join(&self.group);
            if group.is_dir() {
                // Groups within go first. One that is still in use stays, which harms nobody.
                let rmdir = ["-depth", "-type", "d", "-exec", "rmdir", "{}", ";"];
                let _ = tool("find", 10).arg(group).args(rmdir).output();
            }
        }
    }
}

/// The service in a booted system.
struct Service<'a> {
    kind: &'a Kind,
    root: &'a Root,
    system: Booted,
}

impl Service<'_> {
    /// Fails if: the service does not come up by the installation (and an administrator's usual next step),
    /// or runs with more rights than the unit leaves it.
    fn starts(&self, package: &Path) -> Result<()> {
        self.root.write("etc/systemd/system/pywats-client.service.d/test.conf", DROP_IN)?;
        let package = self.root.bring(package)?;
        self.run(&format!("{} {package}", self.kind.install))?;
        self.run(self.kind.start)?;
        self.run("systemctl is-active pywats-client && systemctl is-enabled pywats-client")?;
        ensure!(self.property("StatusText")?.starts_with("not ready"), "it should say that it is not ready");
        self.has_no_rights()
    }

    /// Fails if: the process has more rights than the unit leaves it.
    fn has_no_rights(&self) -> Result<()> {
        let status = self.system.read(&format!("cat /proc/{}/status", self.property("MainPID")?))?;
        let uid = self.system.read("id -u pywats")?;
        let uid = uid.trim();
        for expected in [
            format!("Uid:\t{uid}\t{uid}\t{uid}\t{uid}"),
            "CapEff:\t0000000000000000".to_owned(),
            "CapBnd:\t0000000000000000".to_owned(),
            "NoNewPrivs:\t1".to_owned(),
            "Seccomp:\t2".to_owned(),
        ] {
            ensure!(status.lines().any(|line| line == expected), "{expected:?} is not in {status}");
        }
        Ok(())
    }

    /// Fails if: the service cannot make sockets in their folder, operators cannot reach what it makes there for them, or
    /// anybody else can.
    fn has_doors(&self) -> Result<()> {
        self.run("useradd --groups pywats-operators alice && useradd visitor")?;
        let rights = self.system.read("stat --format '%a %U:%G' /run/pywats")?;
        ensure!(rights.trim() == "2750 pywats:pywats-operators", "/run/pywats is {rights}");
        // In the file system as the service sees it, which is read-only but for what the unit names.
        let process = self.property("MainPID")?;
        self.run(&format!(
            "nsenter --target {process} --mount su pywats -s /bin/sh -c 'umask 117; echo open > /run/pywats/probe'"
        ))?;
        let group = self.system.read("stat --format '%a %U:%G' /run/pywats/probe")?;
        ensure!(group.trim() == "660 pywats:pywats-operators", "what is made there is {group}");
        self.run("su alice -s /bin/sh -c 'ls /run/pywats && echo more >> /run/pywats/probe'")?;
        for (user, forbidden) in [
            ("alice", "touch /run/pywats/mine"),
            ("visitor", "ls /run/pywats"),
            ("visitor", "cat /run/pywats/probe"),
        ] {
            let may = self.run(&format!("su {user} -s /bin/sh -c '{forbidden}'"));
            ensure!(may.is_err(), "{user} may `{forbidden}`");
        }
        self.run("rm /run/pywats/probe")
    }

    /// Fails if: a packaged service is installed or removed by a command that did not install it, or its state is not
    /// told.
    fn is_known(&self) -> Result<()> {
        self.ends_with(10, "pywats-client service install")?;
        let said = self.ends_with(13, "pywats-client service uninstall --purge")?;
        ensure!(said.contains("a package has installed"), "{said}");
        let state = self.ends_with(0, "pywats-client service status --json")?;
        ensure!(state.contains("\"installed_by\": \"package\""), "{state}");
        self.ends_with(0, "pywats-client service stop")?;
        self.ends_with(32, "pywats-client service status")?;
        self.ends_with(0, "pywats-client service start")?;
        self.run("systemctl is-active pywats-client && test -d /run/pywats")
    }

    /// What a command says that ends with this exit code.
    fn ends_with(&self, code: u8, command: &str) -> Result<String> {
        let script = format!("{command} > /said 2>&1; code=$?; cat /said; echo \" $code\"");
        let said = self.system.read(&script)?;
        ensure!(said.trim_end().ends_with(&format!(" {code}")), "{command}: not {code} but {said}");
        Ok(said)
    }

    /// Fails if: the configuration is not picked up, or a report of an operator with a strict umask does
    /// not arrive unchanged.
    fn delivers(&self) -> Result<()> {
        let server = Server::start()?;
        self.configure(server.url())?;
        let report = client::sample()?;
        std::fs::write(self.root.path("report.json"), &report)?;
        self.run("su alice -s /bin/sh -c 'umask 077; cat /report.json > /var/lib/pywats/watch/one.json'")?;
        client::expect_report(&server, 1, &report)?;
        client::expect_file(&self.root.path("var/lib/pywats/done/one.json"))?;
        self.wait_for("StatusText", "ready")
    }

    /// Fails if: nobody starts it again after a crash.
    fn survives_being_killed(&self) -> Result<()> {
        let before = self.property("MainPID")?;
        if let Err(error) = self.run("systemctl kill --signal=KILL pywats-client") {
            // A service manager that cannot is no fault of the service, and the kernel can. What went in spite of the
            // error is gone by now.
            println!("         systemctl kill did not work here: {error:#}");
            let _ = self.run(&format!("kill -KILL {before}"));
        }
        self.wait_for_another(&before)
    }

    /// Fails if: a process that does nothing any more is left alone.
    fn survives_hanging(&self) -> Result<()> {
        let before = self.property("MainPID")?;
        self.run(&format!("kill -STOP {before}"))?;
        self.wait_for_another(&before)?;
        let journal = self.system.read("journalctl --unit pywats-client --output cat")?;
        ensure!(journal.contains("Watchdog timeout"), "it was not the watchdog that noticed");
        Ok(())
    }

    /// Fails if: the old program goes on after an upgrade, or a report that waited for a server is lost,
    /// changed, or delivered twice.
    fn is_upgraded(&self, higher: &Path) -> Result<()> {
        self.configure("http://127.0.0.1:9")?;
        let report = client::sample()?;
        std::fs::write(self.root.path("report.json"), &report)?;
        // Owned by the service before it has its name: what has it is claimed at once.
        let two = "/var/lib/pywats/watch/two.json";
        self.run(&format!("cp /report.json {two}.tmp && chown pywats:pywats {two}.tmp && mv {two}.tmp {two}"))?;
        self.wait_for("StatusText", "1 report")?;
        let before = self.property("MainPID")?;
        let higher = self.root.bring(higher)?;
        self.run(&format!("{} {higher}", self.kind.install))?;
        self.wait_for_another(&before)?;
        let server = Server::start()?;
        self.configure(server.url())?;
        client::expect_report(&server, 1, &report)?;
        client::expect_file(&self.root.path("var/lib/pywats/done/two.json"))
    }

    /// Fails if: stopping takes force or ends in a failure, or the removal leaves it running.
    fn goes(&self) -> Result<()> {
        self.run("systemctl stop pywats-client")?;
        ensure!(self.property("Result")? == "success", "it ended with {}", self.property("Result")?);
        self.run("systemctl start pywats-client")?;
        self.run(self.kind.remove)?;
        self.wait_for("ActiveState", "inactive")?;
        ensure!(!self.root.path("usr/bin/pywats-client").exists(), "the program is still there");
        ensure!(self.root.path("var/lib/pywats/queue.db").exists(), "the queue is gone");
        Ok(())
    }

    fn run(&self, script: &str) -> Result<()> {
        self.system.read(script).map(drop)
    }

    fn property(&self, name: &str) -> Result<String> {
        let value = self.system.read(&format!("systemctl show --value --property {name} pywats-client"))?;
        Ok(value.trim().to_owned())
    }

    fn wait_for(&self, property: &str, text: &str) -> Result<()> {
        wait_until(|| self.property(property).is_ok_and(|value| value.contains(text)))
            .with_context(|| format!("waiting for {property} to say {text:?}"))
    }

    /// Waits until another process than `before` is the service, and is ready.
    fn wait_for_another(&self, before: &str) -> Result<()> {
        wait_until(|| {
            let active = self.property("ActiveState").is_ok_and(|state| state == "active");
            active && self.property("MainPID").is_ok_and(|pid| pid != before && pid != "0")
        })
        .context("waiting for the service to run again")
    }

    /// Writes the configuration as an administrator does.
    fn configure(&self, url: &str) -> Result<()> {
        let config = client::configuration(Path::new("/var/lib/pywats"), url, 0);
        self.root.write("etc/pywats/config.json", &config.to_string())
    }

    /// What the service manager has to say of it.
    fn journal(&self) -> String {
        let journal = tool("nsenter", 30)
            .args(["--target", &self.system.init, "--mount", "--pid", "--root", "--wd"])
            .args(["journalctl", "--unit", "pywats-client", "--no-pager", "--lines", "40"])
            .output();
        journal.map_or_else(|error| format!("{error:#}"), |output| said(&output))
    }
}
