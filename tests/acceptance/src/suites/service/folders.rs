//! Watch folders of other people: what `folders add` lets the installed service into, what `folders remove` takes back,
//! and what is left of an add that ends half-way.

use super::Service;
use crate::client::{self, wait_until};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use wats_test_server::Server;

/// A name that a shell, a unit and a pattern each read in their own way.
const ODD: &str = r#"/home/alice/open/Prüf "feld" 100% a\b"#;
/// Another folder beside it.
const BESIDE: &str = "/home/alice/open/fct";
/// Where a folder lies that is added by halves.
const HALF: &str = "/srv/half/ict";
/// Where the drop-ins of the unit are.
const DROP_INS: &str = "/etc/systemd/system/pywats-client.service.d";
/// Once rights are given, and before anything is in the configuration: says that it has begun, and does what systemctl
/// does when it is told to go on.
const SLOW_SYSTEMCTL: &str = "#!/bin/sh\n\
    if test \"$1\" != show || test -e /slow/go || ! test -e \
    /etc/systemd/system/pywats-client.service.d/folder-half.conf; then exec /usr/bin/systemctl \"$@\"; fi\n\
    touch /slow/began\nuntil test -e /slow/go; do sleep 0.1; done\n\
    /usr/bin/systemctl \"$@\"\ntouch /slow/ended\n";

impl Service<'_> {
    /// Fails if: `folders add` does not let the service use a folder that belongs to somebody else, lets it do more than
    /// that, or `folders remove` leaves anything of it, takes anything of somebody else, or what another folder needs.
    pub(super) fn is_let_into_a_folder(&self) -> Result<()> {
        let server = Server::start()?;
        self.configure(server.url())?;
        self.wait_for("StatusText", "ready")?;
        self.run(&format!(
            "mkdir -p /home/alice/open {BESIDE} '{ODD}' && chown -R alice /home/alice && \
             chmod 700 /home/alice '{ODD}' {BESIDE} && chmod 755 /home/alice/open && \
             setfacl -m u:visitor:rx -m d:u:visitor:rx {BESIDE}"
        ))?;
        let rights = |path: &str| self.system.read(&format!("getfacl -R -p '{path}'"));
        let before = rights("/home/alice")?;
        let process = self.property("MainPID")?;
        self.as_user("root", 0, &format!("folders add '{ODD}' --name ict"))?;
        ensure!(self.property("MainPID")? != process, "the service was not started anew");
        self.as_user("root", 0, &format!("folders add {BESIDE} --name fct"))?;
        for (path, wanted) in [
            ("/home/alice", "user:pywats:--x"),
            (ODD, "user:pywats:rwx"),
            (ODD, "default:user:pywats:rwx"),
        ] {
            let rights = self.system.read(&format!("getfacl -p '{path}'"))?;
            ensure!(rights.lines().any(|found| found == wanted), "{path}: {wanted} is not in {rights}");
        }
        let on_the_way = self.system.read("getfacl -p /home/alice/open")?;
        ensure!(!on_the_way.contains("pywats"), "it could pass through before: {on_the_way}");
        let told = self.as_user("root", 2, &format!("folders add {BESIDE} --name ict"))?;
        ensure!(told.contains("the name ict: another folder has it; write another name"), "{told}");
        let told = self.as_user("root", 22, &format!("folders add {BESIDE}/ --name other"))?;
        ensure!(told.contains("nothing was written"), "{told}");

        // Both need the way to them; one of them goes.
        self.as_user("root", 0, "folders remove fct")?;
        self.report_of_alice(&server, 1, ODD, "ict.json")?;
        let found = self.system.read("pywats-client diagnose || true")?;
        ensure!(!found.contains("read-only for the service"), "{found}");

        // What is made there meanwhile, and what somebody else allows.
        self.run(&format!(
            "su alice -s /bin/sh -c 'umask 027; cd \"$1\"; mkdir sub; echo > sub/notes; setfacl -m u:visitor:rx sub' - '{ODD}'"
        ))?;
        let inherited = rights(&format!("{ODD}/sub"))?;
        ensure!(inherited.contains("default:user:pywats:rwx"), "{inherited}");
        self.as_user("root", 0, "folders remove ict")?;
        self.run(&format!("test ! -e {DROP_INS}/folder-ict.conf && systemctl is-active pywats-client"))?;
        let sub = rights(&format!("{ODD}/sub"))?;
        ensure!(!sub.contains("pywats") && !sub.contains("default"), "what add allowed is allowed: {sub}");
        ensure!(sub.contains("user:visitor:r-x"), "what alice allowed is gone: {sub}");
        ensure!(sub.matches("mask::").count() == 1, "a list of nobody is left: {sub}");
        self.run(&format!("rm -r '{ODD}/sub'"))?;
        let after = rights("/home/alice")?;
        ensure!(after == before, "the rights were\n{before}\nand are\n{after}");
        let forced = self.property("ReadWritePaths")?;
        ensure!(!forced.contains("/home/"), "the unit still may write to {forced}");
        let list = self.as_user("root", 0, "folders list --json")?;
        ensure!(!list.contains("/home/"), "{list}");
        self.wait_for("StatusText", "ready")
    }

    /// Fails if: a link of the service's account leads root into a folder of the system, or one of root to nowhere.
    pub(super) fn is_led_nowhere(&self) -> Result<()> {
        self.configure("http://127.0.0.1:9")?;
        self.run(
            "mkdir -p /srv/disk/ict /srv/linked && chown alice /srv/disk/ict /srv/linked && \
             chmod 700 /srv/disk/ict /srv/linked && ln -s /srv/disk /disk && ln -s /etc /var/lib/pywats/ict && \
             ln -s /etc/pywats /srv/linked/done && chown -h pywats /var/lib/pywats/ict /srv/linked/done",
        )?;
        self.wait_for("StatusText", "not ready")?;
        let etc = || self.system.read("getfacl -p /etc /etc/pywats; ls -R /etc/systemd/system");
        let before = etc()?;
        for (words, said) in [
            ("/var/lib/pywats/ict", "/var/lib/pywats/ict is a link to /etc, and"),
            ("/var/lib/pywats/ict/ssl", "if /etc is meant, write that instead"),
            ("/srv/disk/ict --done /srv/linked/done", "/srv/linked/done is a link to /etc/pywats, and"),
            ("/etc/ssl", "lies in a folder of the system (/etc)"),
            ("/srv", "is a folder of the system (/srv)"),
            ("/var/lib/pywats", "the data folder of the service is there"),
        ] {
            for dry in ["", " --dry-run"] {
                let told = self.as_user("root", 2, &format!("folders add {words} --name led{dry}"))?;
                ensure!(told.contains(said), "{words}{dry}: {told}");
            }
        }
        let after = etc()?;
        ensure!(after == before, "it was\n{before}\nand is\n{after}");
        self.as_user("root", 0, "folders add /disk/ict --name disk")?;
        let list = self.as_user("root", 0, "folders list --json")?;
        ensure!(list.contains("\"/srv/disk/ict\""), "{list}");
        let rights = self.system.read("getfacl -p /srv/disk/ict")?;
        ensure!(rights.contains("user:pywats:rwx"), "{rights}");
        self.as_user("root", 0, "folders remove disk")?;
        self.run("rm -r /disk /srv/disk /srv/linked /var/lib/pywats/ict")
    }

    /// Fails if: sub-folders that were there already are closed to the service, or stay open to it afterwards.
    pub(super) fn is_let_into_sub_folders(&self) -> Result<()> {
        let server = Server::start()?;
        self.configure(server.url())?;
        self.run("mkdir -p /srv/line/old && chown -R alice /srv/line && chmod -R 700 /srv/line")?;
        let rights = || self.system.read("getfacl -R -p /srv/line");
        let before = rights()?;
        self.as_user("root", 0, "folders add /srv/line --name line --subfolders")?;
        self.report_of_alice(&server, 1, "/srv/line/old", "old.json")?;
        self.as_user("root", 0, "folders remove line")?;
        let after = rights()?;
        ensure!(after == before, "the rights were\n{before}\nand are\n{after}");
        Ok(())
    }

    /// Fails if: an add that fails, or is stopped, leaves anything of itself, or one that was killed cannot be done
    /// again or taken back.
    pub(super) fn undoes_half_an_add(&self) -> Result<()> {
        self.configure("http://127.0.0.1:9")?;
        self.wait_for("StatusText", "not ready")?;
        self.run(&format!(
            "mkdir -p {HALF} /srv/half/ram && chown -R alice /srv/half && chmod -R 700 /srv/half && \
             mkdir /slow && printf '%s' '{SLOW_SYSTEMCTL}' > /slow/systemctl && chmod 755 /slow/systemctl"
        ))?;
        let before = self.allowed()?;
        let unchanged = |what: &str| -> Result<()> {
            let now = self.allowed()?;
            ensure!(now == before, "{what}: it was\n{before}\nand is\n{now}");
            wait_until(|| self.property("ActiveState").is_ok_and(|state| state == "active"))
                .with_context(|| format!("{what}: the service does not run"))
        };
        let add = format!("folders add {HALF} --name half");

        let shown = self.as_user("root", 0, &format!("{add} --dry-run"))?;
        ensure!(shown.contains("setfacl -m u:pywats:rwx"), "{shown}");
        unchanged("a dry run")?;

        // Once, the service does not start.
        let fails = format!("{DROP_INS}/fails.conf");
        self.run(&format!(
            "printf '[Service]\\nExecStartPre=+/bin/sh -c \"! rm /fail\"\\n' > {fails} && touch /fail && \
             systemctl daemon-reload"
        ))?;
        self.as_user("root", 1, &add)?;
        unchanged("the service does not start")?;
        self.run(&format!("test ! -e /fail && rm {fails} && systemctl daemon-reload"))?;

        // A file system without access lists.
        self.run("mount -t ramfs none /srv/half/ram && chmod 700 /srv/half/ram")?;
        let told = self.as_user("root", 1, "folders add /srv/half/ram --name half")?;
        self.run("umount /srv/half/ram")?;
        ensure!(told.contains("knows no access lists; mount it so"), "{told}");
        unchanged("a file system without access lists")?;

        for signal in ["INT", "TERM", "HUP"] {
            let ended = self.half_way(&add, signal)?;
            ensure!(ended == "1", "{signal}: it ended with {ended}");
            unchanged(signal)?;
        }
        for again in [format!("{add} --priority 1"), "folders remove half".to_owned()] {
            let ended = self.half_way(&add, "KILL")?;
            ensure!(ended == "137", "it ended with {ended}");
            self.run(&format!("test -e {DROP_INS}/folder-half.conf"))?;
            self.as_user("root", 0, &again)?;
            if !again.contains("remove") {
                self.as_user("root", 0, "folders remove half")?;
            }
            unchanged(&again)?;
        }
        Ok(())
    }

    /// A report of alice, who lets nobody read what she writes, arrives and is moved away.
    fn report_of_alice(&self, server: &Server, count: usize, folder: &str, name: &str) -> Result<()> {
        self.run(&format!(
            "su alice -s /bin/sh -c 'umask 077; cat /report.json > \"$1/{name}\"' - '{folder}'"
        ))?;
        client::expect_report(server, count, &client::sample()?)?;
        client::expect_file(&self.root.path(&format!("var/lib/pywats/done/{name}")))?;
        self.run(&format!("test ! -e '{folder}/{name}'"))
    }

    /// Gives a signal to a command once it has given rights, and waits for both; its exit code.
    fn half_way(&self, words: &str, signal: &str) -> Result<String> {
        let ended = self.system.read(&format!(
            "rm -f /slow/began /slow/go /slow/ended; PATH=/slow:$PATH pywats-client {words} > /said 2>&1 & \
             until test -e /slow/began; do sleep 0.1; done; kill -{signal} $!; touch /slow/go; code=0; \
             wait $! || code=$?; until test -e /slow/ended; do sleep 0.1; done; echo $code"
        ))?;
        Ok(ended.trim().to_owned())
    }

    /// All that the system allows: the folders of the configuration, the drop-ins, the rights.
    fn allowed(&self) -> Result<String> {
        let config: Value = serde_json::from_str(&self.system.read("cat /etc/pywats/config.json")?)?;
        let rest = self.system.read(&format!(
            "ls {DROP_INS} | grep folder-; getfacl -R -p /srv/half; systemctl show -p ReadWritePaths pywats-client"
        ))?;
        Ok(format!("{config:#}\n{rest}"))
    }
}
