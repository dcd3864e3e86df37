//! A release of small files, a stand-in with the repositories that it goes to, and the program.

use crate::stand_in::{StandIn, State};
use packager::digest::sha256;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

pub(crate) const REPOSITORY: &str = "maker/product";
const TOKEN: &str = "token-4711";
/// A commit; the stand-in of git asks for no real one.
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A file of several chunks.
static LARGE: OnceLock<Vec<u8>> = OnceLock::new();

/// The bench.
pub(crate) struct Bench {
    folder: TempDir,
    pub(crate) stand_in: StandIn,
}

impl Bench {
    /// A release of a version whose tag is pushed.
    pub(crate) fn new(version: &str) -> Bench {
        let bench = Bench { folder: tempfile::tempdir().unwrap(), stand_in: StandIn::start(TOKEN).unwrap() };
        {
            let mut state = bench.stand_in.state();
            state.add(REPOSITORY, "main", &[("README.md", "the product\n")]);
            state.add("microsoft/winget-pkgs", "master", &[("README.md", "many packages\n")]);
            state.add("maker/winget-pkgs", "master", &[("README.md", "many packages, long ago\n")]);
            state.add("maker/bucket", "main", &[("bucket/other.json", "{}\n")]);
            state.add("maker/tap", "main", &[("Formula/other.rb", "other\n")]);
        }
        fs::write(bench.path("token"), TOKEN).unwrap();
        let settings = "token = { file = 'token' }\n\
            [winget]\nfork = 'maker/winget-pkgs'\n[scoop]\nrepository = 'maker/bucket'\n\
            [homebrew]\nrepository = 'maker/tap'\n[documentation]\n";
        fs::write(bench.path("release.toml"), settings).unwrap();
        bench.release(version);
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn file(&self, version: &str, name: &str) -> PathBuf {
        self.path(version).join("files").join(name)
    }

    /// Makes a sealed release and pushes its tag.
    pub(crate) fn release(&self, version: &str) {
        let write = |name: &str, content: &[u8]| {
            let path = self.path(version).join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        let large = LARGE.get_or_init(|| (0..2_000_000_u32).map(|n| (n / 251 + n) as u8).collect());
        let small = [version.as_bytes(), &[0, 255], &[b'x'; 1000]].concat();
        let (deb, msi) = (format!("product_{version}_amd64.deb"), format!("product-{version}.msi"));
        let mut sums = String::new();
        let (list, signers) = (b"{}".to_vec(), b"whoever".to_vec());
        let files =
            [(&*deb, &small), (&*msi, large), ("artifacts.json", &list), ("allowed_signers", &signers)];
        for (name, content) in files {
            write(&format!("files/{name}"), content);
            sums += &format!("{}  {name}\n", sha256(content));
        }
        write("files/SHA256SUMS", sums.as_bytes());
        write("files/SHA256SUMS.asc", b"a signature");
        write("files/SHA256SUMS.sig", b"another signature");
        write("notes.md", format!("What is new in {version}.\n\n- This.\n").as_bytes());
        let manifest = format!("work/winget/manifests/m/Maker/Product/{version}/Maker.Product.yaml");
        write(&manifest, version.as_bytes());
        write("work/scoop/bucket/product.json", version.as_bytes());
        write("work/homebrew/Formula/product.rb", version.as_bytes());
        write(&format!("work/documentation/{version}/index.html"), version.as_bytes());
        write(&format!("work/documentation/{version}/picture.png"), &small);
        self.stand_in.state().tag(REPOSITORY, &format!("v{version}"), COMMIT, true);
    }

    /// The program, which is to publish a version.
    pub(crate) fn command(&self, version: &str, arguments: &[&str]) -> Command {
        let product = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/product.toml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_release-tools"));
        command.arg("publish").arg("--folder").arg(self.path(version)).arg("--product").arg(product);
        command.arg("--config").arg(self.path("release.toml")).args(["--version", version]);
        let page = format!("https://github.com/{REPOSITORY}");
        let usual = [("--commit", COMMIT), ("--repository", &page), ("--api", self.stand_in.api())];
        for (option, value) in usual.iter().filter(|(option, _)| !arguments.contains(option)) {
            command.args([option, value]);
        }
        command.args(arguments);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it.
    pub(crate) fn run(&self, version: &str, arguments: &[&str]) -> Run {
        Run::of(self.command(version, arguments).output().unwrap())
    }

    /// Everything that people can see.
    pub(crate) fn dump(&self) -> Value {
        self.stand_in.state().dump()
    }

    /// Changes what GitHub knows.
    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.stand_in.state());
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stand_in.clear();
    }
}

/// What became of a run.
pub(crate) struct Run {
    pub(crate) is_fine: bool,
    /// Everything that it said.
    pub(crate) said: String,
}

impl Run {
    fn of(output: Output) -> Run {
        let said = [output.stderr, output.stdout].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let said = said.concat();
        assert!(!said.contains("panicked"), "{said}");
        assert!(!said.contains(TOKEN) && !said.contains("signature=secret"), "a secret shows: {said}");
        Run { is_fine: output.status.success(), said }
    }

    pub(crate) fn fine(self) -> String {
        assert!(self.is_fine, "{}", self.said);
        self.said
    }

    /// What it said, as it failed.
    pub(crate) fn error(self) -> String {
        assert!(!self.is_fine, "{}", self.said);
        self.said
    }
}

/// The releases of the repository, as they are compared.
pub(crate) fn releases(dump: &Value) -> Vec<Value> {
    dump[REPOSITORY]["releases"].as_array().unwrap().clone()
}
