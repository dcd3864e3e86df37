//! The systems a package is made for, and what each package format calls them.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::fmt;
use std::str::FromStr;

/// A processor architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arch {
    /// 64-bit x86.
    X86_64,
    /// 64-bit Arm.
    Aarch64,
}

/// An operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// Linux, with any libc: programs are linked statically.
    Linux,
    /// Windows 10, Windows Server 2016 and later.
    Windows,
    /// macOS 11 and later.
    MacOs,
}

/// What a program was compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The processor.
    pub arch: Arch,
    /// The operating system.
    pub os: Os,
}

impl Arch {
    /// `x86_64` or `aarch64`: Rust, RPM and file names.
    pub fn name(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
            Arch::Aarch64 => "aarch64",
        }
    }

    /// `amd64` or `arm64`: Debian and OCI.
    pub fn debian(self) -> &'static str {
        match self {
            Arch::X86_64 => "amd64",
            Arch::Aarch64 => "arm64",
        }
    }

    /// `x64` or `arm64`: Windows, and the template of an MSI's summary information.
    pub fn windows(self) -> &'static str {
        match self {
            Arch::X86_64 => "x64",
            Arch::Aarch64 => "arm64",
        }
    }

    /// `x86_64` or `arm64`: macOS.
    pub fn apple(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
            Arch::Aarch64 => "arm64",
        }
    }
}

impl Os {
    /// The short name: `linux`, `windows`, `macos`.
    pub fn name(self) -> &'static str {
        match self {
            Os::Linux => "linux",
            Os::Windows => "windows",
            Os::MacOs => "macos",
        }
    }

    /// Vendor, system and C library in the triple of a target whose programs need nothing of the system but what every
    /// one has: static on Linux, with mingw-w64's own start on Windows.
    fn in_triple(self, arch: Arch) -> &'static str {
        match (self, arch) {
            (Os::Linux, _) => "unknown-linux-musl",
            (Os::Windows, Arch::X86_64) => "pc-windows-gnu",
            (Os::Windows, Arch::Aarch64) => "pc-windows-gnullvm",
            (Os::MacOs, _) => "apple-darwin",
        }
    }

    /// What the name of a program ends with.
    pub fn exe_suffix(self) -> &'static str {
        if self == Os::Windows { ".exe" } else { "" }
    }
}

/// The system and the processors that one artifact is for: one processor, several for a universal program, or none
/// where there is no program in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    os: Os,
    arches: Vec<Arch>,
}

impl Platform {
    /// The platform of an artifact whose programs are for these targets.
    ///
    /// # Errors
    /// If there is no target, one is named twice, or they are for different systems.
    pub fn new(targets: &[Target]) -> Result<Platform> {
        let first = targets.first().context("no target is named")?;
        let mut arches: Vec<Arch> = targets.iter().map(|target| target.arch).collect();
        arches.sort();
        arches.dedup();
        ensure!(
            targets.iter().all(|target| target.os == first.os) && arches.len() == targets.len(),
            "{} cannot be in one artifact: its targets are of one system, and each is named once",
            targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
        );
        Ok(Platform { os: first.os, arches })
    }

    /// The platform of an artifact without a program: that system on any processor.
    pub fn any_processor(os: Os) -> Platform {
        Platform { os, arches: Vec::new() }
    }

    /// The system.
    pub fn os(&self) -> Os {
        self.os
    }

    /// The processor; the first of several.
    ///
    /// # Panics
    /// If there is none, which no format has that asks for it.
    pub fn arch(&self) -> Arch {
        self.arches[0]
    }

    /// The processors; none where any will do.
    pub fn arches(&self) -> &[Arch] {
        &self.arches
    }

    /// As RPM calls the processor: `noarch` where any will do.
    pub fn rpm_arch(&self) -> &'static str {
        self.arches.first().map_or("noarch", |arch| arch.name())
    }

    /// As archives are called, by which installers choose one: Rust's triple, `x86_64-unknown-linux-musl`, or
    /// `universal-apple-darwin`.
    pub fn triple(&self) -> String {
        format!("{}-{}", self.arch_name(), self.os.in_triple(self.arch()))
    }

    fn arch_name(&self) -> &'static str {
        match *self.arches {
            [] => "noarch",
            [arch] => arch.name(),
            _ => "universal",
        }
    }

    /// Whether it is one system, and neither program nor processor matters.
    pub fn is_any_processor(&self, os: Os) -> bool {
        self.os == os && self.arches.is_empty()
    }

    /// Whether one program is for all of it: for one processor, or, on macOS, a universal one.
    pub fn has_one_program(&self) -> bool {
        match self.arches.len() {
            0 => false,
            1 => true,
            _ => self.os == Os::MacOs,
        }
    }

    /// Whether it is one system on one processor.
    pub fn is_single(&self, os: Os) -> bool {
        self.os == os && self.arches.len() == 1
    }
}

impl From<Target> for Platform {
    fn from(target: Target) -> Platform {
        Platform { os: target.os, arches: vec![target.arch] }
    }
}

/// For people: `x86_64-linux`, `universal-macos`.
impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.arch_name(), self.os.name())
    }
}

/// A triple is not one that packages are made for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown target {0:?}: use ARCH-SYSTEM or a Rust target triple with ARCH x86_64 or aarch64 and SYSTEM linux, windows or apple-darwin (macos)"
)]
pub struct TargetError(String);

/// Accepts Rust triples (`x86_64-unknown-linux-musl`) and the short form (`x86_64-linux`).
impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let unknown = || TargetError(text.to_owned());
        let (arch, rest) = text.split_once('-').ok_or_else(unknown)?;
        let arch = match arch {
            "x86_64" => Arch::X86_64,
            "aarch64" => Arch::Aarch64,
            _ => return Err(unknown()),
        };
        let os = rest
            .split('-')
            .find_map(|part| match part {
                "linux" => Some(Os::Linux),
                "windows" => Some(Os::Windows),
                "darwin" | "macos" => Some(Os::MacOs),
                _ => None,
            })
            .ok_or_else(unknown)?;
        Ok(Target { arch, os })
    }
}

/// The short form: `x86_64-linux`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.arch.name(), self.os.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: targets that no artifact can have at once are accepted, or the name or the triple is another.
    #[test]
    fn platforms_have_names() {
        for (targets, expected) in [
            (&["x86_64-linux"][..], Some("x86_64-linux x86_64-unknown-linux-musl")),
            (&["x86_64-windows"], Some("x86_64-windows x86_64-pc-windows-gnu")),
            (&["aarch64-windows"], Some("aarch64-windows aarch64-pc-windows-gnullvm")),
            (&["aarch64-macos"], Some("aarch64-macos aarch64-apple-darwin")),
            (&["aarch64-macos", "x86_64-macos"], Some("universal-macos universal-apple-darwin")),
            (&["x86_64-macos", "x86_64-macos"], None),
            (&["x86_64-macos", "aarch64-linux"], None),
            (&[], None),
        ] {
            let targets: Vec<Target> = targets.iter().map(|target| target.parse().unwrap()).collect();
            let name =
                Platform::new(&targets).ok().map(|platform| format!("{platform} {}", platform.triple()));
            assert_eq!(name.as_deref(), expected, "{targets:?}");
        }
    }

    /// Fails if: a triple that we build for is not understood, or a foreign one is.
    #[test]
    fn parses_triples_and_short_names() {
        for (text, expected) in [
            ("x86_64-unknown-linux-musl", Some("x86_64-linux")),
            ("aarch64-unknown-linux-musl", Some("aarch64-linux")),
            ("x86_64-pc-windows-gnu", Some("x86_64-windows")),
            ("aarch64-pc-windows-gnullvm", Some("aarch64-windows")),
            ("aarch64-apple-darwin", Some("aarch64-macos")),
            ("x86_64-macos", Some("x86_64-macos")),
            ("riscv64gc-unknown-linux-gnu", None),
            ("x86_64-unknown-freebsd", None),
            ("x86_64", None),
            ("", None),
        ] {
            let parsed = text.parse::<Target>().ok().map(|t| t.to_string());
            assert_eq!(parsed.as_deref(), expected, "{text}");
        }
    }
}
