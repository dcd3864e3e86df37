//! `cargo xtask evidence`: which platforms were tested, how, on what, and when; as a picture, as text and as data.
//!
//! `tests/evidence.toml` says which cases stand behind which claim (`claims`, held to the sources by `words`). Results
//! of tests (`results`) and `artifacts.json` decide what of it is true (`record`). Everything that is shown is made of
//! these two, so that nobody can claim more.

mod cell;
mod claims;
mod coverage;
mod html;
mod markdown;
mod picture;
mod record;
mod results;
#[cfg(test)]
mod tests;
mod words;

use crate::workspace;
use anyhow::{Context, Result};
use cell::Mark;
use claims::Claims;
use packager::{Artifacts, Product, unfinished};
use record::{Record, short};
use std::fs;
use std::path::{Path, PathBuf};

/// The page in the documentation.
const PAGE: &str = "platforms.md";

/// Makes the table of platforms from results of tests
///
/// Results of other machines, laid beside those of this one as folders, count as well. What nobody tested is shown as
/// that; so is what was tested with another commit or other files than those of artifacts.json.
#[derive(clap::Args)]
pub(crate) struct Evidence {
    /// A folder with results, or with folders of them; may be repeated; by default target/test
    #[arg(long, value_name = "DIR")]
    results: Vec<PathBuf>,
    /// The folder with artifacts.json, by default dist
    #[arg(long, value_name = "DIR")]
    artifacts: Option<PathBuf>,
    /// Where platforms.html, platforms.md and platforms.json go, by default target/evidence
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Also writes what the repository has: tests/evidence.json, docs/platforms.md and the table in README.md
    #[arg(long)]
    update: bool,
    /// Shows the record in the repository in place of results
    #[arg(long, conflicts_with_all = ["results", "artifacts", "update", "coverage"])]
    recorded: bool,
    /// First measures which lines the unit tests reach, with cargo-llvm-cov
    #[arg(long)]
    coverage: bool,
    /// Measures the tests of this crate only; may be repeated
    #[arg(long = "package", value_name = "CRATE", requires = "coverage")]
    packages: Vec<String>,
}

impl Evidence {
    pub(crate) fn run(self) -> Result<()> {
        let root = workspace::root();
        let claims = Claims::load(root)?;
        words::check(&claims, root)?;
        if self.coverage {
            coverage::measure(&self.packages)?;
        }
        let record = self.record(&claims, root)?;
        let product = Product::load(&workspace::product_manifest())?;
        let out = self.out.clone().unwrap_or_else(|| workspace::target("evidence"));
        write(&out, "platforms.html", &html::page(&claims, &record, &product.display_name)?)?;
        write(&out, PAGE, &markdown::page(&claims, &record)?)?;
        write(&out, "platforms.json", &record.json()?)?;
        if self.update {
            update(root, &claims, &record)?;
        }
        summarise(&claims, &record)?;
        println!("{}", out.join("platforms.html").display());
        Ok(())
    }

    /// What is known, by the results or by the repository.
    fn record(&self, claims: &Claims, root: &Path) -> Result<Record> {
        if self.recorded {
            return Record::load(root);
        }
        let default = [workspace::target("test")];
        let folders = if self.results.is_empty() { &default[..] } else { &self.results };
        let measured = [folders, &[coverage::folder()]].concat();
        let dist = self.artifacts.clone().unwrap_or_else(workspace::dist);
        let artifacts = Artifacts::load(&dist)?.unwrap_or_default();
        let outcomes = results::load(folders)?;
        Record::make(claims, &artifacts, &outcomes, coverage::load(&measured)?)
    }
}

/// Writes what the repository has of it.
fn update(root: &Path, claims: &Claims, record: &Record) -> Result<()> {
    let readme = root.join("README.md");
    let text = fs::read_to_string(&readme).with_context(|| format!("reading {}", readme.display()))?;
    let text = markdown::readme(&text, claims, record)?;
    write(&root.join("tests"), record::FILE, &record.json()?)?;
    write(&root.join("docs"), PAGE, &markdown::page(claims, record)?)?;
    write(root, "README.md", &text)
}

fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    unfinished::prepare(folder, name, text.as_bytes())?.appear()?;
    Ok(())
}

/// How many cells come to what, for people.
fn summarise(claims: &Claims, record: &Record) -> Result<()> {
    let mut marks = Vec::new();
    for platform in &claims.platforms {
        for deed in &claims.deeds {
            let cell = record.cell(claims, platform, &deed.name)?;
            if cell.mark == Mark::Failed {
                println!("failed: {}, {}", platform.shown, deed.name);
            }
            marks.push(cell.mark);
        }
    }
    println!("commit {}", record.commit.as_deref().map_or("unknown", short));
    for mark in Mark::ALL {
        let count = marks.iter().filter(|other| **other == mark).count();
        println!("{count:>4} {} {}", mark.sign(), mark.means());
    }
    Ok(())
}
