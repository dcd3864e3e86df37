//! `packager`: builds packages from programs that are already there, and puts folders of packages together,
//! without network, cargo or git.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use packager::artifacts::{self, Origin};
use packager::{Artifact, Artifacts, Package, Payload, Product, Target, Version, formats, merge};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

/// Builds packages, and lists of what they are.
#[derive(Parser)]
#[command(version)]
enum Command {
    Pack(Pack),
    Merge(Merge),
}

/// Builds one package into a folder and adds it to the folder's lists
///
/// The lists are `artifacts.json` and `SHA256SUMS`. A package of the same name is replaced; of the others
/// those that were deleted are taken off the lists, and one that was changed is an error.
#[derive(clap::Args)]
struct Pack {
    /// The product manifest
    #[arg(long, value_name = "FILE", default_value = "packaging/product.toml")]
    manifest: PathBuf,
    /// The format: deb, rpm, msi, tar.gz, zip
    #[arg(long)]
    format: String,
    /// What the program was compiled for: a Rust target triple, or ARCH-SYSTEM; listed as given
    #[arg(long)]
    target: Triple,
    /// The compiled program
    #[arg(long, value_name = "FILE")]
    program: PathBuf,
    /// The folder the package is written to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The version, by default that of the changelog's top entry
    #[arg(long, value_name = "VERSION")]
    package_version: Option<Version>,
    /// Seconds since 1970 for every time stamp, by default the date of the changelog's top entry
    #[arg(long, value_name = "SECONDS", env = "SOURCE_DATE_EPOCH")]
    epoch: Option<u32>,
    /// Compiler, standard library and linker of the program, for the list
    #[arg(long, value_name = "TEXT", default_value = "unknown")]
    toolchain: String,
    /// A digest of everything that decides the bits, for the list; by default one of what is packed
    #[arg(long, value_name = "DIGEST")]
    inputs: Option<String>,
}

/// Puts folders of packages together into one folder
///
/// Every package must be what the list of its folder says. The order of the folders does not matter.
#[derive(clap::Args)]
struct Merge {
    /// The folder for all packages and their lists; may be one of those to merge
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Folders that `packager pack`, `packager merge` or `cargo xtask dist` wrote
    #[arg(value_name = "FOLDER", required = true)]
    folders: Vec<PathBuf>,
}

/// A target and the text it was given as.
#[derive(Clone)]
struct Triple {
    text: String,
    target: Target,
}

impl FromStr for Triple {
    type Err = packager::target::TargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Triple { text: text.to_owned(), target: text.parse()? })
    }
}

impl Pack {
    fn run(self) -> Result<()> {
        let format = formats::by_name(&self.format)?;
        let target = self.target.target;
        ensure!(format.supports(target), "there is no {} for {target}", format.name());
        let product = Product::load(&self.manifest)?;
        let changelog = product.changelog()?;
        let payload = Payload::resolve(&product, format.name(), target, &self.program)
            .with_context(|| format!("collecting what goes into the {}", format.name()))?;
        let package = Package {
            product: &product,
            changelog: &changelog,
            version: self.package_version.unwrap_or(changelog.latest().version),
            target,
            payload,
            epoch: self.epoch.unwrap_or(changelog.latest().epoch()),
        };
        let inputs = self.inputs.map_or_else(|| package.inputs(format), Ok)?;
        let origin = Origin {
            program: &self.program,
            target: &self.target.text,
            inputs: &inputs,
            toolchain: &self.toolchain,
        };

        let _lock = artifacts::lock(&self.out)?;
        let name = format.file_name(&product, &package.version, target);
        let (mut list, gone) = Artifacts::load_present(&self.out, |other, _| other == name)?;
        let (path, artifact) = Artifact::make(&self.out, format, &package, origin)?;
        list.0.insert(name, artifact);
        list.write(&self.out)?;
        for name in gone {
            eprintln!("note: {name} was deleted from {} and is listed no more", self.out.display());
        }
        println!("{}", path.display());
        Ok(())
    }
}

impl Merge {
    fn run(&self) -> Result<()> {
        for path in merge::merge(&self.folders, &self.out)? {
            println!("{}", path.display());
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Pack(command) => command.run(),
        Command::Merge(command) => command.run(),
    };
    if let Err(error) = result {
        // The chain of causes, without the stack traces that RUST_BACKTRACE would add.
        eprintln!("error: {error}");
        for cause in error.chain().skip(1) {
            eprintln!("  because: {cause}");
        }
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
