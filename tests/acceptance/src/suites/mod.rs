//! The suites, a module each.

mod binaries;
mod delivery;
mod dialogs;
mod dist;
mod formats;
mod install;
mod msi;
mod nix;
mod reproducible;
mod service;
mod sign;
mod wine;

use crate::bench::Bench;
use anyhow::{Context, Result};

/// A suite: what it is called, what it proves, and how to run it.
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&mut Bench) -> Result<()>,
}

/// Every suite.
pub(crate) const ALL: &[Suite] = &[
    Suite {
        name: "binaries",
        about: "programs are hardened, free of build paths, and need no library they do not ship with",
        run: binaries::run,
    },
    Suite {
        name: "formats",
        about: "packages and archives are what dpkg, rpm, lintian, rpmlint, tar, unzip and others expect",
        run: formats::run,
    },
    Suite {
        name: "install",
        about: "DEB and RPM install, upgrade, remove and purge in a scratch system, and keep what they must",
        run: install::run,
    },
    Suite {
        name: "service",
        about: "DEB and RPM in a running system: the hardened unit delivers, is restarted, and is upgraded",
        run: service::run,
    },
    Suite {
        name: "delivery",
        about: "the programs in the Linux packages deliver reports",
        run: delivery::run,
    },
    Suite {
        name: "dist",
        about: "the build when something goes wrong: clear words, nothing half-written",
        run: dist::run,
    },
    Suite {
        name: "nix",
        about: "the flake evaluates and builds over stand-ins, and what it makes stands every test",
        run: nix::run,
    },
    Suite {
        name: "reproducible",
        about: "a second build elsewhere gives the same bits, for one target of each system",
        run: reproducible::run,
    },
    Suite {
        name: "reproducible-all",
        about: "a second build elsewhere gives the same bits, for every target",
        run: reproducible::run_all,
    },
    Suite {
        name: "msi",
        about: "Windows Installer packages say and hold what they should, as other people's tools see it",
        run: msi::run,
    },
    Suite {
        name: "sign",
        about: "programs and MSI are signed, reproduced from stored signatures, and judged",
        run: sign::run,
    },
    Suite {
        name: "wine",
        about: "the Windows Installer package installs, upgrades and goes in Wine, and delivers reports",
        run: wine::run,
    },
    Suite {
        name: "dialogs",
        about: "the dialogs of the Windows Installer package do in Wine what a person at them expects",
        run: dialogs::run,
    },
];

pub(crate) fn by_name(name: &str) -> Result<&'static Suite> {
    let names = || ALL.iter().map(|suite| suite.name).collect::<Vec<_>>().join(", ");
    ALL.iter().find(|suite| suite.name == name).with_context(|| format!("no suite {name:?}: use {}", names()))
}
