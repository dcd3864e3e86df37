//! `packager`: builds one package from a program that is already there, without network, cargo or git.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use packager::{Package, Payload, Product, Target, Version, format, formats};
use std::path::PathBuf;

/// Builds one package of one format.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The product manifest.
    #[arg(long, value_name = "FILE", default_value = "packaging/product.toml")]
    manifest: PathBuf,
    /// The format: deb, rpm, msi, tar.gz, zip.
    #[arg(long)]
    format: String,
    /// What the program was compiled for: a Rust target triple, or ARCH-SYSTEM.
    #[arg(long)]
    target: Target,
    /// The compiled program.
    #[arg(long, value_name = "FILE")]
    program: PathBuf,
    /// The folder the package is written to.
    #[arg(long, value_name = "DIR", default_value = "dist")]
    out: PathBuf,
    /// The version, by default that of the changelog's top entry.
    #[arg(long)]
    package_version: Option<Version>,
    /// Seconds since 1970 for every time stamp, by default the date of the changelog's top entry.
    #[arg(long, env = "SOURCE_DATE_EPOCH")]
    epoch: Option<u32>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let format = formats::by_name(&arguments.format)?;
    let target = arguments.target;
    ensure!(format.supports(target), "there is no {} for {target}", format.name());
    let product = Product::load(&arguments.manifest)?;
    let changelog = product.changelog()?;
    let payload = Payload::resolve(&product, format.name(), target, &arguments.program)
        .with_context(|| format!("collecting what goes into the {}", format.name()))?;
    let package = Package {
        product: &product,
        changelog: &changelog,
        version: arguments.package_version.unwrap_or(changelog.latest().version),
        target,
        payload,
        epoch: arguments.epoch.unwrap_or(changelog.latest().epoch()),
    };
    println!("{}", format::write_into(&arguments.out, format, &package)?.display());
    Ok(())
}
