//! `packager`: makes artifacts from programs that are already there, and puts folders of artifacts together,
//! without network, cargo or git.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use packager::{Artifacts, Compiled, Folder, Origin, Recipe, Version, formats, merge, recipe};
use std::path::PathBuf;
use std::process::ExitCode;

/// Makes artifacts, and lists of what they are.
#[derive(Parser)]
#[command(version)]
enum Command {
    Pack(Pack),
    Merge(Merge),
    /// Lists the formats that a table of artifacts may name
    Formats,
}

/// Makes one artifact in a folder and adds it to the folder's lists
///
/// The lists are `artifacts.json` and `SHA256SUMS`. An artifact of the same name is replaced; of the others
/// those that were deleted are taken off the lists, and one that was changed is an error.
#[derive(clap::Args)]
struct Pack {
    /// The artifact, by its name in the table
    name: String,
    /// The table of artifacts
    #[arg(long, value_name = "FILE", default_value = "artifacts.toml")]
    artifacts: PathBuf,
    /// The product manifest
    #[arg(long, value_name = "FILE", default_value = "packaging/product.toml")]
    manifest: PathBuf,
    /// A target of the artifact, and the folder with what was compiled for it; one for each target
    #[arg(long = "program", value_name = "TRIPLE=FOLDER")]
    programs: Vec<Compiled>,
    /// A folder of artifacts that this one is made of; may be repeated
    #[arg(long, value_name = "FOLDER")]
    from: Vec<PathBuf>,
    /// The folder the artifact is written to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The version, by default that of the changelog's top entry
    #[arg(long, value_name = "VERSION")]
    package_version: Option<Version>,
    /// Seconds since 1970 for every time stamp, by default the date of the changelog's top entry
    #[arg(long, value_name = "SECONDS", env = "SOURCE_DATE_EPOCH")]
    epoch: Option<u32>,
    /// Compiler, standard library and linker of the programs, for the list
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

impl Pack {
    fn run(self) -> Result<()> {
        let mut recipe = Recipe::load(&self.manifest, &self.artifacts)?;
        recipe.version = self.package_version.unwrap_or(recipe.version);
        recipe.epoch = self.epoch.unwrap_or(recipe.epoch);
        let row = recipe.rows.row(&self.name)?;
        let programs = recipe.take(row, self.programs).context("in --program")?;
        ensure!(
            self.from.is_empty() || !row.of.is_empty(),
            "--from: {:?} is not made of other artifacts",
            row.name
        );
        let parts = recipe::parts_from(row, &self.from)?;
        let inputs = match self.inputs {
            Some(inputs) => inputs,
            None => recipe.inputs_by_content(row, &programs, &parts)?,
        };
        let origin = Origin { inputs: &inputs, toolchain: &self.toolchain };

        let folder = Folder::open(&self.out)?;
        let name = recipe.file_name(row)?;
        let (mut list, gone) = Artifacts::load_present(folder.path(), |other, _| other == name)?;
        let (path, artifact) = recipe.make(row, &programs, parts, origin, &self.out)?;
        list.0.insert(name, artifact);
        list.write(folder.path())?;
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
        Command::Formats => {
            formats::ALL.iter().for_each(|format| println!("{}", format.name()));
            Ok(())
        }
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
