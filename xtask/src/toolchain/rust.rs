//! The Rust compiler of this machine.

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use xshell::{Shell, cmd};

/// What `rustc` says of itself.
pub(crate) struct Rust {
    /// `1.95.0`
    pub(crate) version: String,
    /// The whole of `rustc --version --verbose`, which names the commit and LLVM.
    pub(crate) identity: String,
    /// The compiler's own folder.
    pub(crate) sysroot: PathBuf,
    /// Where cargo keeps the sources of dependencies.
    pub(crate) cargo_home: PathBuf,
}

impl Rust {
    /// Asks the compiler that `rust-toolchain.toml` selects.
    pub(crate) fn find() -> Result<Rust> {
        let sh = Shell::new()?;
        sh.change_dir(crate::workspace::root());
        let identity = cmd!(sh, "rustc --version --verbose").quiet().read()?;
        let version =
            identity.split_whitespace().nth(1).context("rustc --version prints no version")?.to_owned();
        let wanted = wanted_version()?;
        ensure!(
            version == wanted,
            "rustc is {version}, but rust-toolchain.toml asks for {wanted}: packages are the same bits only with the same compiler. Run `rustup toolchain install {wanted}`, or build with rustup's cargo."
        );
        let sysroot = PathBuf::from(cmd!(sh, "rustc --print sysroot").quiet().read()?);
        Ok(Rust { version, identity, sysroot, cargo_home: cargo_home()? })
    }

    /// Whether the compiler's own folder has the standard library of a target.
    pub(crate) fn has_std(&self, triple: &str) -> bool {
        std_in(&self.sysroot, triple)
    }
}

/// Whether a sysroot has the standard library of a target.
pub(crate) fn std_in(sysroot: &Path, triple: &str) -> bool {
    let libraries = std::fs::read_dir(sysroot.join("lib/rustlib").join(triple).join("lib"));
    libraries.into_iter().flatten().flatten().any(|file| {
        let name = file.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

/// The version in rust-toolchain.toml, the one place that pins it.
fn wanted_version() -> Result<String> {
    let text = include_str!("../../../rust-toolchain.toml");
    let line = text.lines().find_map(|line| line.strip_prefix("channel = "));
    Ok(line.context("rust-toolchain.toml has no channel")?.trim_matches('"').to_owned())
}

fn cargo_home() -> Result<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = from("CARGO_HOME").or_else(|| from("HOME").map(|home| home.join(".cargo")));
    home.context("neither CARGO_HOME nor HOME is set")
}

/// Variables that a build needs from its surroundings. All others (flags, wrappers, profiles, colours)
/// could change its result and are left out.
const KEPT_VARIABLES: &[&str] = &[
    "PATH",
    "HOME",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTUP_AUTO_INSTALL",
    "TMPDIR",
    "USER",
    "CARGO_HTTP_PROXY",
    "CARGO_HTTP_CAINFO",
    "CARGO_NET_OFFLINE",
    "CARGO_NET_GIT_FETCH_WITH_CLI",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "TERM",
];

/// A command with only the variables a build needs. `extra` names more of them, by prefix.
pub(crate) fn clean_command(program: impl AsRef<std::ffi::OsStr>, extra: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C.UTF-8");
    for (name, value) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if KEPT_VARIABLES.contains(&&*text) || extra.iter().any(|prefix| text.starts_with(prefix)) {
            command.env(name, value);
        }
    }
    command
}
