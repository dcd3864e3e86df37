//! On small repositories; what is made from the version is written by a stand-in.

use super::*;
use std::process::Command;
use tempfile::TempDir;

const MANIFEST: &str = "[workspace.package]\nversion = \"1.0.0-rc.1.dev\"\n";
const CHANGELOG: &str =
    "# Changelog\n\n## [Unreleased]\n\n- New.\n\n## [1.0.0-rc.1] - 2026-11-22\n\n- First.\n";

/// A checkout with a release to prepare.
struct Checkout(TempDir);

impl Checkout {
    fn new() -> Checkout {
        let checkout = Checkout(tempfile::tempdir().unwrap());
        checkout.git(&["init", "--quiet", "--initial-branch", "main"]);
        checkout.write("CHANGELOG.md", CHANGELOG);
        checkout.write("Cargo.toml", MANIFEST);
        checkout.write("page", "1.0.0-rc.1.dev");
        checkout.commit();
        checkout
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=T", "-c", "user.email=t@example.org"]).args(arguments);
        let output = command.current_dir(self.0.path()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn commit(&self) {
        self.git(&["config", "user.name", "T"]);
        self.git(&["config", "user.email", "t@example.org"]);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "A change"]);
    }

    /// What is checked out, committed and tagged.
    fn state(&self) -> [String; 3] {
        let files = ["CHANGELOG.md", "Cargo.toml", "page"]
            .map(|name| fs::read_to_string(self.0.path().join(name)).unwrap());
        [files.concat(), self.git(&["log", "--format=%H"]), self.git(&["tag"])]
    }

    fn try_prepare(&self, regenerate: impl FnOnce(&Path) -> Result<()>, dry_run: bool) -> Result<String> {
        let git = Git::of(self.0.path())?;
        let (version, today) = ("1.0.0".parse()?, "2026-12-24".parse()?);
        let result = Release { git: &git, root: self.0.path(), version, today, dry_run }.prepare(regenerate);
        result.map_err(|error| anyhow::anyhow!("{error:#}"))
    }

    fn prepare(&self) -> Result<String> {
        self.try_prepare(page, false)
    }

    fn abort(&self) -> Result<String> {
        abort(&Git::of(self.0.path())?, self.0.path(), false)
    }
}

fn page(root: &Path) -> Result<()> {
    Ok(fs::write(root.join("page"), fs::read_to_string(root.join("Cargo.toml"))?)?)
}

/// Fails if: commit or tag are missing, hold something else than the release, or cannot be taken back; or preparing
/// it again does something.
#[test]
fn prepares_and_takes_back() {
    let checkout = Checkout::new();
    let before = checkout.state();
    let planned = checkout.try_prepare(page, true).unwrap();
    assert!(planned.contains("## [1.0.0] - 2026-12-24 (1 changes)"), "{planned}");
    assert_eq!(checkout.state(), before);
    checkout.prepare().unwrap();
    let after = checkout.state();
    assert!(after[0].contains("## [1.0.0] - 2026-12-24\n\n- New.\n"), "{}", after[0]);
    assert_eq!(after[0].matches("version = \"1.0.0\"\n").count(), 2, "{}", after[0]);
    assert_eq!(after[2], "v1.0.0");
    assert_eq!(checkout.git(&["status", "--porcelain"]), "");
    assert_eq!(checkout.git(&["show", "--no-patch", "--format=%s", "v1.0.0^{commit}"]), "Release 1.0.0");
    assert!(checkout.prepare().unwrap().contains("is prepared"));
    assert_eq!(checkout.state(), after);
    // Broken off between commit and tag.
    checkout.git(&["tag", "--delete", "v1.0.0"]);
    checkout.prepare().unwrap();
    assert_eq!(checkout.state(), after);
    checkout.abort().unwrap();
    assert_eq!(checkout.state(), before);
    let error = checkout.abort().unwrap_err().to_string();
    assert!(error.contains("not that of a release"), "{error}");
}

/// Fails if: a release is made of what is none, the reason is not said, or something is changed all the same.
#[test]
fn refuses_what_is_no_release() {
    type Spoil = fn(&Checkout);
    let cases: [(Spoil, &str); 8] = [
        (|it| it.write("new", ""), "not committed"),
        (|it| it.write("page", "x"), "not committed"),
        (|it| drop(it.git(&["switch", "--quiet", "--create", "topic"])), "topic is checked out"),
        (|it| drop(it.git(&["switch", "--quiet", "--detach"])), "git switch main"),
        (|it| drop(it.git(&["tag", "v1.0.0", "HEAD"])), "is another commit"),
        (
            |it| {
                it.write("CHANGELOG.md", &CHANGELOG.replace("- New.\n", ""));
                it.commit();
            },
            "has no items",
        ),
        (
            |it| {
                it.write("CHANGELOG.md", &CHANGELOG.replace("2026-11-22", "2026-12-25"));
                it.commit();
            },
            "clock",
        ),
        (
            |it| {
                it.write("Cargo.toml", "[package]\nversion = \"3.0.0\"\n");
                it.commit();
            },
            "Cargo.toml does not say once",
        ),
    ];
    for (spoil, reason) in cases {
        let checkout = Checkout::new();
        spoil(&checkout);
        let before = checkout.state();
        let error = checkout.prepare().unwrap_err().to_string();
        assert!(error.contains(reason), "{reason}: {error}");
        assert_eq!(checkout.state(), before, "{reason}");
    }
}

/// Fails if: what fails in the middle leaves changed files or commits, or its cause is not shown.
#[test]
fn a_failure_changes_nothing() {
    let checkout = Checkout::new();
    let before = checkout.state();
    let fails = |root: &Path| {
        page(root)?;
        anyhow::bail!("the compiler is missing")
    };
    let error = checkout.try_prepare(fails, false).unwrap_err().to_string();
    assert!(error.contains("as it was") && error.contains("the compiler is missing"), "{error}");
    assert_eq!(checkout.state(), before);
    assert_eq!(checkout.git(&["status", "--porcelain"]), "");
    // A hook that says no.
    let hook = checkout.0.path().join(".git/hooks/commit-msg");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\necho no releases on Fridays\nexit 1\n").unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let error = checkout.prepare().unwrap_err().to_string();
    assert!(error.contains("no releases on Fridays"), "{error}");
    assert_eq!(checkout.state(), before);
}

/// Fails if: a release that somebody else can have is taken back, or one is when that cannot be known.
#[test]
fn what_is_public_stays() {
    let remote = tempfile::tempdir().unwrap();
    let path = remote.path().join("public.git");
    let path = path.to_str().unwrap();
    let checkout = Checkout::new();
    checkout.git(&["init", "--quiet", "--bare", path]);
    checkout.git(&["remote", "add", "origin", path]);
    for pushed in ["v1.0.0", "main"] {
        checkout.prepare().unwrap();
        checkout.git(&["push", "--quiet", "origin", pushed]);
        let after = checkout.state();
        let error = checkout.abort().unwrap_err().to_string();
        assert!(error.contains("is public"), "{pushed}: {error}");
        assert_eq!(checkout.state(), after);
        if pushed == "v1.0.0" {
            checkout.git(&["push", "--quiet", "--delete", "origin", "v1.0.0"]);
            checkout.abort().unwrap();
        }
    }
    let checkout = Checkout::new();
    checkout.git(&["remote", "add", "origin", "/nowhere/public.git"]);
    checkout.prepare().unwrap();
    let error = format!("{:#}", checkout.abort().unwrap_err());
    assert!(error.contains("asking origin whether it has v1.0.0"), "{error}");
}
