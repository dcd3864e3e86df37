//! Links the SELinux policy (`packaging/selinux`) with the base policies of Debian, without a kernel that enforces it,
//! and judges the result: what is allowed is read from the binary policy by setools, and held against tables.
//!
//! The base policy is installed as semodule(8) does it, in a folder entered by chroot, with Debian's own tools of that
//! release. The assertions (`neverallow`) of the base policy are checked as well, which Debian itself leaves out.

mod rules;
mod tables;

use crate::bench::Bench;
use crate::command::{Tool, missing, said, tool};
use crate::products::workspace;
use crate::scratch::{self, CLEAN_SHELL};
use anyhow::{Context, Result, ensure};
use rules::{Rules, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Releases of Debian, and what they are called.
const RELEASES: &[(&str, &str)] = &[("bookworm", "Debian 12"), ("trixie", "Debian 13")];
const PACKAGES: &str = "coreutils,dash,grep,policycoreutils,sed,selinux-policy-default,selinux-utils";
/// The oldest setools meant reads this version of the binary policy.
const SEMANAGE: &str = "policy-version = 33\n";
const CHECKED: &str = "expand-check = 1\n";
const CONFIG: &str = "SELINUX=enforcing\nSELINUXTYPE=default\n";
/// Where the policy of such a folder is.
const BINARY: &str = "etc/selinux/default/policy/policy.33";
/// Where administrators find what the packages bring, and where the RPM's scriptlets do.
const SHIPPED: &[&str] = &["usr/share/pywats-client/selinux", "usr/share/selinux/packages/pywats-client"];
const FILES: &[&str] = &["install-selinux.sh", "post", "preun", "pywats_client.cil"];

/// What files and folders are labelled: path, and type.
const LABELS: &[(&str, &str)] = &[
    ("/usr/bin/pywats-client", "pywats_exec_t"),
    ("/usr/local/bin/pywats-client", "pywats_exec_t"),
    ("/usr/lib/pywats/converters/csv", "pywats_converter_exec_t"),
    ("/etc/pywats", "pywats_etc_t"),
    ("/etc/pywats/config.json", "pywats_etc_t"),
    ("/var/lib/pywats", "pywats_var_lib_t"),
    ("/var/lib/pywats/queue.db", "pywats_var_lib_t"),
    ("/var/lib/pywats/done/a.json", "pywats_var_lib_t"),
    ("/var/lib/pywats/watch", "pywats_watch_t"),
    ("/var/lib/pywats/watch/a.json", "pywats_watch_t"),
    ("/run/pywats", "pywats_var_run_t"),
    ("/run/pywats/control.sock", "pywats_var_run_t"),
    ("/var/run/pywats/control.sock", "pywats_var_run_t"),
    ("/var/log/pywats/client.log", "pywats_log_t"),
    ("/usr/bin/pywats-client-other", "bin_t"),
    ("/var/lib/pywatson", "var_lib_t"),
];

/// Judges the policy of this workspace.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let reason = match missing(&["mmdebstrap", "chroot", "seinfo", "sesearch", "tar"]) {
        Some(program) => Some(format!("{program} is not installed")),
        None if !scratch::is_root()? => Some("only root can enter a folder; run this as root".to_owned()),
        None => None,
    };
    if let Some(reason) = reason {
        bench.not_run("the policy in Debian's", &reason);
        return Ok(());
    }
    bench.case_needing(&["shellcheck"], "what loads and removes it is sound", scripts_are_sound);
    for (suite, name) in RELEASES {
        let folder = bench.folder(suite)?;
        let policy = Policy { folder };
        let open = || policy.open(suite);
        let install = || policy.with_assertions(|| policy.installs());
        let entered = || entered_by_systemd_alone(&policy);
        let confined = || neither_permissive_nor_unconfined(&policy);
        let service = || policy.judge("pywats_t", &tables::SERVICE);
        let converter = || policy.judge("pywats_converter_t", &tables::CONVERTER);
        let people = || people_reach_little(&policy);
        let booleans = || booleans_are_off(&policy);
        let labels = || labels(&policy);
        let again = || policy.is_upgraded();
        let fails = || failure_is_said(&policy);
        let removed = || policy.is_removed();
        let mut steps: Vec<(&str, &dyn Fn() -> Result<()>)> = vec![
                ("its base policy is there", &open),
                ("the policy is installed, and breaks no assertion", &install),
                ("the domain is entered from systemd alone, by its program alone", &entered),
                ("the domains are neither permissive nor unconfined", &confined),
                ("the service may do what is listed, and nothing else", &service),
                ("converters may do what is listed, and nothing else", &converter),
                ("people reach watch folders and sockets, and nothing else", &people),
                ("every boolean is off", &booleans),
                ("files are labelled", &labels),
        ];
        // Each takes a while, and depends little on the release.
        if bench.thorough || *suite == "bookworm" {
            steps.push(("what cannot be installed is said", &fails));
        }
        if bench.thorough || *suite == "trixie" {
            steps.push(("an upgrade of the RPM replaces it", &again));
            steps.push(("its removal leaves nothing", &removed));
        }
        bench.steps(name, &steps);
    }
    Ok(())
}

/// A folder with a base policy and the tools that it comes with.
struct Policy {
    folder: PathBuf,
}

impl Policy {
    /// Unpacks the base policy from the cache, and brings what the packages bring.
    fn open(&self, suite: &str) -> Result<()> {
        let recipe = format!("{suite} {PACKAGES} {SEMANAGE} 1");
        let archive = scratch::cached(&format!("policy-{suite}"), &recipe, |archive, cache| {
            let folder = tempfile::tempdir_in(cache)?;
            make(suite, folder.path())?;
            tool("tar", 120).arg("-cf").arg(archive).arg("-C").arg(folder.path()).arg(".").run()
        })?;
        tool("tar", 120).arg("-xf").arg(archive).arg("-C").arg(&self.folder).run()?;
        for shipped in SHIPPED {
            let shipped = self.folder.join(shipped);
            fs::create_dir_all(&shipped)?;
            for name in FILES {
                let source = source(name);
                fs::copy(&source, shipped.join(name))
                    .with_context(|| format!("copying {}", source.display()))?;
            }
        }
        Ok(())
    }

    /// A shell command in the folder.
    fn script(&self, script: &str) -> Tool {
        tool("chroot", 180).arg(&self.folder).args(CLEAN_SHELL).arg(script)
    }

    /// What an administrator runs.
    fn installer(&self, verb: &str) -> Tool {
        self.script(&format!("/{}/install-selinux.sh {verb}", SHIPPED[0]))
    }

    /// A scriptlet, as rpm runs it: with the number of versions that there are then.
    fn scriptlet(&self, name: &str, versions: u32) -> Tool {
        self.script(&format!("sh -e /{}/{name} {versions}", SHIPPED[1]))
    }

    /// Fails if: an upgrade of the RPM takes the policy away, or does not put the new one in its place.
    fn is_upgraded(&self) -> Result<()> {
        self.scriptlet("post", 2).run()?;
        self.scriptlet("preun", 1).run()?;
        ensure!(self.modules()?.contains("pywats_client"), "the old version took it along");
        Ok(())
    }

    fn modules(&self) -> Result<String> {
        self.script("semodule -s default --list-modules=full").read()
    }

    fn installs(&self) -> Result<()> {
        self.installer("install").run()?;
        let modules = self.modules()?;
        let is_there = modules.lines().any(|line| {
            line.split_whitespace().take(3).collect::<Vec<_>>() == ["200", "pywats_client", "cil"]
        });
        ensure!(is_there, "it is not among the modules at priority 200: {modules}");
        Ok(())
    }

    /// Does something while assertions are checked, which takes a third longer.
    fn with_assertions(&self, run: impl FnOnce() -> Result<()>) -> Result<()> {
        let file = self.folder.join("etc/selinux/semanage.conf");
        let usual = fs::read_to_string(&file)?;
        fs::write(&file, format!("{usual}{CHECKED}"))?;
        let result = run();
        fs::write(&file, usual)?;
        result
    }

    fn is_removed(&self) -> Result<()> {
        self.scriptlet("preun", 0).run()?;
        let modules = self.modules()?;
        ensure!(!modules.contains("pywats"), "it is still there: {modules}");
        let types = self.seinfo(&["-t"])?;
        ensure!(!types.contains("pywats"), "its types are still there");
        let contexts = fs::read_to_string(self.folder.join("etc/selinux/default/contexts/files/file_contexts"))?;
        ensure!(!contexts.contains("pywats"), "its labels are still there");
        // Where nothing is, nothing is to be said.
        let output = self.installer("remove").output()?;
        ensure!(output.status.success() && output.stderr.is_empty(), "{}", said(&output));
        Ok(())
    }

    fn binary(&self) -> PathBuf {
        self.folder.join(BINARY)
    }

    fn seinfo(&self, words: &[&str]) -> Result<String> {
        // The other way round, it would take the file for the value of the last option.
        tool("seinfo", 60).arg(self.binary()).args(words).read()
    }

    /// Rules that allow something.
    fn sesearch(&self, words: &[&str]) -> Result<String> {
        tool("sesearch", 60).arg("--allow").args(words).arg(self.binary()).read()
    }

    /// Fails if: a domain may do what is not listed, by a rule of its own or by one for every domain.
    fn judge(&self, domain: &str, table: &Table) -> Result<()> {
        let attributes = names(&self.seinfo(&["-a"])?);
        let rules = Rules::read(domain, &self.sesearch(&["-s", domain])?, &attributes)?;
        rules.judge(table, &tables::EVERY_DOMAIN, tables::NEVER)
    }

    /// The attributes of every type whose name begins so.
    fn attributes_of(&self, start: &str) -> Result<BTreeMap<String, BTreeSet<String>>> {
        let shown = self.seinfo(&["-t", "-x"])?;
        let types = shown.lines().filter_map(|line| line.trim().trim_end_matches(';').strip_prefix("type "));
        let attributes = types.filter(|text| text.starts_with(start)).map(|text| {
            let mut names = text.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned);
            (names.next().unwrap_or_default(), names.collect())
        });
        Ok(attributes.collect())
    }
}

/// A file of the policy in this workspace.
fn source(name: &str) -> PathBuf {
    workspace().join("packaging/selinux").join(name)
}

/// Fails if: shellcheck finds anything in script or scriptlets.
fn scripts_are_sound() -> Result<()> {
    let scripts = FILES.iter().filter(|name| !name.ends_with(".cil")).map(|name| source(name));
    // Braces and [[ are a matter of taste; a function that is asked in a condition is meant so.
    let exclude = "SC2250,SC2292,SC2310,SC2312";
    tool("shellcheck", 60).args(["--shell", "sh", "--enable", "all", "--exclude", exclude]).args(scripts).run()
}

/// Makes a folder with the base policy installed.
fn make(suite: &str, folder: &Path) -> Result<()> {
    scratch::extract(suite, PACKAGES, folder)?;
    let selinux = folder.join("etc/selinux");
    let mut semanage = fs::read_to_string(selinux.join("semanage.conf")).unwrap_or_default();
    // A key that comes twice is refused.
    semanage = semanage.lines().filter(|line| !line.contains("expand-check")).map(|line| format!("{line}\n")).collect();
    fs::write(selinux.join("semanage.conf"), semanage + SEMANAGE)?;
    fs::write(selinux.join("config"), CONFIG)?;
    fs::create_dir_all(folder.join("var/lib/selinux/default"))?;
    let install = "semodule -n -s default -X 100 -i /usr/share/selinux/default/*.pp.bz2";
    tool("chroot", 300).arg(folder).args(CLEAN_SHELL).arg(install).run()
}

/// The names that seinfo lists, a line each.
fn names(listing: &str) -> BTreeSet<String> {
    listing.lines().filter(|line| line.starts_with("   ")).map(|line| line.trim().to_owned()).collect()
}

/// Fails if: the domain can be entered from elsewhere or by another program, or `NoNewPrivileges=` keeps systemd out.
fn entered_by_systemd_alone(policy: &Policy) -> Result<()> {
    let transitions = tool("sesearch", 60).args(["--type_trans", "-t", "pywats_exec_t"]).arg(policy.binary()).read()?;
    let processes: Vec<_> = transitions.lines().filter(|line| line.contains(":process")).collect();
    ensure!(processes == ["type_transition init_t pywats_exec_t:process pywats_t;"], "{transitions}");
    let entry = policy.sesearch(&["-s", "pywats_t", "-c", "file", "-p", "entrypoint"])?;
    ensure!(entry.lines().all(|line| line.starts_with("allow pywats_t pywats_exec_t:file ")), "{entry}");
    let nnp = policy.sesearch(&["-s", "init_t", "-t", "pywats_t", "-c", "process2", "-p", "nnp_transition", "-dt"])?;
    ensure!(nnp.contains("allow init_t pywats_t:process2 "), "NoNewPrivileges= of the unit keeps it out");
    let from = policy.sesearch(&["-t", "pywats_t", "-c", "process", "-p", "transition"])?;
    // Unconfined domains may do everything; init_t is one on Debian, and has a rule of its own elsewhere.
    let known = |line: &str| ["allow init_t ", "allow unconfined_domain_type "].iter().any(|start| line.starts_with(start));
    ensure!(!from.is_empty() && from.lines().all(known), "{from}");
    Ok(())
}

/// Fails if: a domain is permissive, or has an attribute that may give it more than a domain has.
fn neither_permissive_nor_unconfined(policy: &Policy) -> Result<()> {
    let permissive = policy.seinfo(&["--permissive"])?;
    ensure!(!permissive.contains("pywats"), "{permissive}");
    let types = policy.attributes_of("pywats_")?;
    for domain in ["pywats_t", "pywats_converter_t"] {
        let mut attributes = types.get(domain).cloned().unwrap_or_default();
        // Sets that rules of the base policy are written with: `all domains but these`.
        attributes.retain(|name| !name.contains("_typeattr_"));
        ensure!(attributes.len() == 1 && attributes.contains("domain"), "{domain} has {attributes:?}");
    }
    Ok(())
}

/// Fails if: a standard user's domain may read the token or the queue, or not use what is for operators.
fn people_reach_little(policy: &Policy) -> Result<()> {
    let rules = policy.sesearch(&["-s", "user_t"])?;
    let types = policy.attributes_of("pywats_")?;
    for (target, class, permission, is_allowed) in [
        ("pywats_watch_t", "file", "create", true),
        ("pywats_watch_t", "dir", "add_name", true),
        ("pywats_var_run_t", "sock_file", "write", true),
        ("pywats_t", "unix_stream_socket", "connectto", true),
        ("pywats_exec_t", "file", "execute", true),
        ("pywats_etc_t", "file", "read", false),
        ("pywats_var_lib_t", "file", "read", false),
        ("pywats_var_lib_t", "dir", "add_name", false),
        ("pywats_log_t", "file", "read", false),
        ("pywats_exec_t", "file", "write", false),
        ("pywats_t", "process", "ptrace", false),
        ("pywats_t", "process", "sigkill", false),
    ] {
        let attributes = types.get(target).with_context(|| format!("there is no type {target}"))?;
        let is_meant = |name: &&str| *name == target || attributes.contains(*name);
        let found: Vec<_> = rules::unconditional(&rules, class, permission).filter(is_meant).collect();
        ensure!(found.is_empty() != is_allowed, "{permission} {target}:{class} by user_t: {found:?}");
    }
    Ok(())
}

/// Fails if: a boolean is missing, on, or not in the administrators' documentation.
fn booleans_are_off(policy: &Policy) -> Result<()> {
    let path = workspace().join("docs/linux.md");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let all = policy.seinfo(&["-b", "-x"])?;
    let ours: BTreeSet<_> = all.lines().map(str::trim).filter(|line| line.starts_with("bool pywats_")).collect();
    ensure!(ours.len() == tables::BOOLEANS.len(), "{ours:?}");
    for name in tables::BOOLEANS {
        ensure!(ours.contains(&*format!("bool {name} false;")), "{name} is not off: {ours:?}");
        ensure!(text.contains(&format!("`{name}`")), "{} does not say what {name} is for", path.display());
    }
    Ok(())
}

/// Fails if: a file gets another label than it should, or one that is not ours gets ours.
fn labels(policy: &Policy) -> Result<()> {
    for (path, wanted) in LABELS {
        let contexts = "/etc/selinux/default/contexts/files/file_contexts";
        let found = policy.script(&format!("matchpathcon -f {contexts} {path}")).read()?;
        let found = found.split(':').nth(2).unwrap_or_default();
        ensure!(found == *wanted, "{path} is labelled {found}, not {wanted}");
    }
    Ok(())
}

/// Fails if: a policy that does not load passes for one that does, or a system without SELinux is an error.
fn failure_is_said(policy: &Policy) -> Result<()> {
    let file = policy.folder.join(SHIPPED[0]).join("pywats_client.cil");
    let right = fs::read_to_string(&file)?;
    fs::write(&file, format!("{right}\n(allow pywats_t no_such_t (file (read)))\n"))?;
    let output = policy.installer("install").output()?;
    fs::write(&file, right)?;
    let told = said(&output);
    ensure!(output.status.code() == Some(1) && told.contains("could not be installed"), "{told}");
    ensure!(policy.modules()?.contains("pywats_client"), "the module that was there is gone");

    let (store, aside) = (policy.folder.join("var/lib/selinux"), policy.folder.join("var/lib/aside"));
    fs::rename(&store, &aside)?;
    let output = policy.installer("install").output()?;
    fs::rename(&aside, &store)?;
    let told = said(&output);
    ensure!(output.status.success() && told.contains("no SELinux policy"), "{told}");
    let output = policy.installer("load").output()?;
    ensure!(!output.status.success() && said(&output).contains("usage"), "{}", said(&output));
    Ok(())
}
