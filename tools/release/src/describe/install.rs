//! How each artifact is installed, and how what was downloaded is checked: one table, for the page and for the notes.

use super::Checkout;
use super::release::Release;
use anyhow::{Context, Result};
use packager::{Artifact, Os, Platform};

/// A way to install a format. In `command`, `{file}` is the name of the file.
struct Way {
    format: &'static str,
    /// The only system that it is for, where the others have another way.
    only: Option<Os>,
    /// What runs the artifact; archives are for the system of their programs.
    system: Option<&'static str>,
    /// What it is.
    what: &'static str,
    command: &'static str,
    then: &'static str,
}

/// What is to be said of a program alone.
const ALONE: &str = "One file that runs as it is, where nothing is to be installed.";

/// What an appliance is.
const MACHINE: &str = "virtual machine with the client inside";
/// How it goes on from there.
const ITS_CONSOLE: &str =
    "A copy of the file becomes the disk. The console asks for network, server and token.";

const WAYS: &[Way] = &[
    Way {
        format: "deb",
        only: None,
        system: Some("Debian, Ubuntu, Raspberry Pi OS"),
        what: "package",
        command: "sudo apt-get install ./{file}",
        then: "The service runs.",
    },
    Way {
        format: "rpm",
        only: None,
        system: Some("Enterprise Linux 8 and later, Fedora"),
        what: "package",
        command: "sudo dnf install ./{file}",
        then: "The presets of the distribution decide whether the service starts.",
    },
    Way {
        format: "appimage",
        only: None,
        system: None,
        what: "AppImage",
        command: "chmod +x {file} && ./{file} --help",
        then: "One file that runs as it is, on any Linux and without FUSE.",
    },
    Way {
        format: "msi",
        only: None,
        system: None,
        what: "installer",
        command: "msiexec /i {file}",
        then: "The service runs. For a silent installation, add /qn /norestart.",
    },
    Way {
        format: "pkg",
        only: None,
        system: None,
        what: "installer",
        command: "sudo installer -pkg {file} -target /",
        then: "The service runs. A double-click does the same.",
    },
    Way {
        format: "exe",
        only: Some(Os::Windows),
        system: None,
        what: "program",
        command: r".\{file} --help",
        then: ALONE,
    },
    Way {
        format: "exe",
        only: Some(Os::Linux),
        system: None,
        what: "program",
        command: "chmod +x {file} && ./{file} --help",
        then: ALONE,
    },
    Way {
        format: "exe",
        only: Some(Os::MacOs),
        system: None,
        what: "program",
        command: "chmod +x {file} && ./{file} --help",
        then: ALONE,
    },
    Way {
        format: "wheel",
        only: None,
        system: None,
        what: "wheel for Python",
        command: "python -m pip install ./{file}",
        then: "The program is a command of the environment, called as the package is.",
    },
    Way {
        format: "zip",
        only: None,
        system: None,
        what: "archive",
        command: "Expand-Archive {file}",
        then: "INSTALL.txt in it says how to go on.",
    },
    Way {
        format: "tar.gz",
        only: None,
        system: None,
        what: "archive",
        command: "tar -xzf {file}",
        then: "INSTALL.txt in it says how to go on.",
    },
    Way {
        format: "app",
        only: None,
        system: None,
        what: "application",
        command: "ditto -x -k {file} /Applications",
        then: "It shows the service, and says how it is installed where there is none.",
    },
    Way {
        format: "gpo-kit",
        only: None,
        system: None,
        what: "kit for group policies",
        command: "Expand-Archive {file}",
        then: "CHECKLIST.txt in it says how to go on.",
    },
    Way {
        format: "docker-archive",
        only: None,
        system: Some("Docker, Podman"),
        what: "container image",
        command: "docker load --input {file}",
        then: "Where no registry is within reach. With Podman: podman load.",
    },
    Way {
        format: "oci",
        only: None,
        system: Some("Container registries"),
        what: "container image",
        command: "skopeo copy --all oci-archive:{file} docker://REGISTRY/pywats-client",
        then: "For a registry of your own.",
    },
    Way {
        format: "dmg",
        only: None,
        system: None,
        what: "disk image",
        command: "open {file}",
        then: "Double-click the package in its window.",
    },
    Way {
        format: "qcow2",
        only: None,
        system: Some("KVM, Proxmox, OpenStack"),
        what: MACHINE,
        command: "virt-install --import --name pywats --memory 1024 --osinfo debian12 --boot uefi --disk {file}",
        then: ITS_CONSOLE,
    },
    Way {
        format: "ova",
        only: None,
        system: Some("VMware, VirtualBox"),
        what: MACHINE,
        command: "VBoxManage import {file}",
        then: ITS_CONSOLE,
    },
    Way {
        format: "vhdx",
        only: None,
        system: Some("Hyper-V, second generation"),
        what: MACHINE,
        command: r"New-VM -Name pywats -Generation 2 -MemoryStartupBytes 1GB -VHDPath .\{file} | Set-VMFirmware -SecureBootTemplate MicrosoftUEFICertificateAuthority",
        then: ITS_CONSOLE,
    },
    Way {
        format: "vhd",
        only: None,
        system: Some("Hyper-V, first generation"),
        what: MACHINE,
        command: r"New-VM -Name pywats -Generation 1 -MemoryStartupBytes 1GB -VHDPath .\{file}",
        then: ITS_CONSOLE,
    },
    Way {
        format: "raw.zst",
        only: None,
        system: Some("Other hypervisors"),
        what: MACHINE,
        command: "zstd -d --sparse {file}",
        then: ITS_CONSOLE,
    },
];

impl Way {
    fn is_for(&self, format: &str, os: Os) -> bool {
        self.format == format && self.only.is_none_or(|only| only == os)
    }
}

/// An artifact, as it is told to people.
pub(super) struct Choice<'a> {
    pub(super) file: &'a str,
    pub(super) artifact: &'a Artifact,
    /// `Windows (x86_64)`
    pub(super) platform: String,
    pub(super) what: &'static str,
    pub(super) command: String,
    pub(super) then: &'static str,
}

/// The artifacts of a release, in the order of the table.
///
/// # Errors
/// If nobody knows how one of them is installed.
pub(super) fn choices<'a>(checkout: &'a Checkout, release: &'a Release) -> Result<Vec<Choice<'a>>> {
    let artifacts = release.in_order(checkout).into_iter();
    let choices = artifacts.map(|(file, artifact)| {
        let of = checkout.rows.appliance(&artifact.artifact).map_or(&artifact.artifact, |row| &row.of);
        let platform = checkout.rows.platform(checkout.rows.row(of)?)?;
        let way = WAYS.iter().find(|way| way.is_for(&artifact.format, platform.os()));
        let way = way.with_context(|| {
            format!(
                "{file}: nobody says how a {} is installed: add it to tools/release/src/describe/install.rs",
                artifact.format
            )
        })?;
        Ok(Choice {
            file,
            artifact,
            platform: platform_for_people(&platform, way.system),
            what: way.what,
            command: way.command.replace("{file}", file),
            then: way.then,
        })
    });
    choices.collect()
}

fn platform_for_people(platform: &Platform, system: Option<&str>) -> String {
    let os = platform.os();
    let system = system.unwrap_or(match os {
        Os::Linux => "Linux",
        Os::Windows => "Windows",
        Os::MacOs => "macOS",
    });
    let processor = if platform.is_single(os) {
        match (os, platform.arch().name()) {
            (Os::MacOs, "aarch64") => "Apple silicon",
            (Os::MacOs, _) => "Intel",
            (_, name) => name,
        }
    } else {
        "every processor"
    };
    format!("{system} ({processor})")
}

/// Bytes, for people.
pub(super) fn size(bytes: u64) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}

/// What checks a download: what it is, and the command.
pub(super) fn checks(product: &str) -> [(&'static str, String); 4] {
    [
        (
            "Linux, with OpenPGP",
            format!("gpg --import {product}.asc && gpg --verify SHA256SUMS.asc SHA256SUMS"),
        ),
        (
            "or with ssh",
            "ssh-keygen -Y verify -f allowed_signers -I \"$(cut -d ' ' -f 1 allowed_signers)\" -n file \
             -s SHA256SUMS.sig < SHA256SUMS"
                .to_owned(),
        ),
        ("then the files (macOS: shasum -a 256)", "sha256sum --check --ignore-missing SHA256SUMS".to_owned()),
        (
            "Windows, in PowerShell: compare what it prints with the list",
            "Get-FileHash *.* | Format-List".to_owned(),
        ),
    ]
}

/// What the checks need to be worth anything.
pub(super) const TRUST: &str = "A key that came with the files proves that they belong together, and not who made \
    them: compare its fingerprint with the one that you know.";

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: there is a format that nobody says how to install on a system, or two ways for one.
    #[test]
    fn every_format_has_a_way() {
        for format in packager::formats::ALL {
            for target in ["x86_64-linux", "x86_64-windows", "x86_64-macos"] {
                let target: packager::Target = target.parse().unwrap();
                let ways = WAYS.iter().filter(|way| way.is_for(format.name(), target.os)).count();
                let is_made = format.supports(&target.into());
                assert!(ways == 1 || !is_made, "{ways} ways for {} on {target}", format.name());
            }
            assert!(WAYS.iter().any(|way| way.format == format.name()), "{}", format.name());
        }
        let table = concat!(env!("CARGO_MANIFEST_DIR"), "/../../artifacts.toml");
        let rows = packager::Rows::load(table.as_ref()).unwrap();
        for row in rows.appliances().iter().filter(|row| row.release) {
            let ways = WAYS.iter().filter(|way| way.is_for(&row.format, Os::Linux)).count();
            assert_eq!(ways, 1, "{}", row.name);
        }
        assert!(WAYS.iter().all(|way| way.command.contains("{file}")));
    }

    /// Fails if: a person is told another size or platform.
    #[test]
    fn speaks_to_people() {
        assert_eq!([size(2_365_760), size(4_000), size(26_000_000)], ["2.37 MB", "0.00 MB", "26.00 MB"]);
        for (targets, system, expected) in [
            (&["x86_64-windows"][..], None, "Windows (x86_64)"),
            (&["aarch64-macos"], None, "macOS (Apple silicon)"),
            (&["aarch64-macos", "x86_64-macos"], None, "macOS (every processor)"),
            (&["aarch64-linux"], Some("Debian"), "Debian (aarch64)"),
        ] {
            let targets: Vec<_> = targets.iter().map(|target| target.parse().unwrap()).collect();
            assert_eq!(platform_for_people(&Platform::new(&targets).unwrap(), system), expected);
        }
    }
}
