//! `cargo xtask dist`: from the sources to every artifact in `dist/`.
//!
//! Programs are built side by side, as many as there are jobs; packages are made beside them, as soon as
//! their program is there. What has not changed is not built again. A failure of one target or
//! format is reported with all the others, not instead of them.

use crate::build::{self, BuildTarget};
use crate::inputs::{Sources, closure_digest};
use crate::process::stop_if_interrupted;
use crate::progress::Progress;
use crate::toolchain::Toolchain;
use crate::toolchain::rust::Rust;
use crate::workspace;
use anyhow::{Context, Result, anyhow, bail, ensure};
use packager::artifacts::Origin;
use packager::digest::Inputs;
use packager::{Artifact, Artifacts, Changelog, Format, Package, Payload, Product, formats};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Builds installers for every target into dist/
///
/// Needs Rust, a C compiler and Python 3; brings everything else by itself, without root. Ends with a
/// table; `artifacts.json` says the same to machines.
#[derive(clap::Args)]
pub(crate) struct Dist {
    /// Builds only for this target, by triple; may be repeated
    #[arg(long = "target", value_name = "TRIPLE")]
    targets: Vec<String>,
    /// Builds only this format (deb, rpm, msi, tar.gz, zip, exe); may be repeated
    #[arg(long = "format")]
    formats: Vec<String>,
    /// Where the artifacts go, by default the workspace's folder dist
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How many jobs run at once; by default one for each processor
    #[arg(long, short)]
    jobs: Option<usize>,
}

/// One artifact to be made.
struct Planned {
    target: &'static BuildTarget,
    format: &'static dyn Format,
    name: String,
    inputs: String,
}

/// The facts every artifact shares.
struct Facts {
    product: Product,
    changelog: Changelog,
    epoch: u32,
    rust: Rust,
    sources: Sources,
}

impl Dist {
    /// The whole distribution into its usual folder.
    pub(crate) fn everything() -> Dist {
        Dist { targets: Vec::new(), formats: Vec::new(), out: None, jobs: None }
    }

    pub(crate) fn run(self) -> Result<()> {
        let started = Instant::now();
        let facts = Facts::gather()?;
        let mut plan = self.plan(&facts)?;
        let out = self.out.clone().unwrap_or_else(workspace::dist);
        fs::create_dir_all(&out).with_context(|| format!("creating {}", out.display()))?;
        let out = out.canonicalize()?;
        let _lock = lock(&out)?;
        remove_unfinished(&out)?;
        let earlier = Artifacts::read(&out);
        let is_outdated = |planned: &Planned| !earlier.is_current(&out, &planned.name, &planned.inputs);
        let mut toolchain = None;
        if plan.iter().any(is_outdated) {
            toolchain = Some(prepare(&plan)?);
            // Only now is it certain where each standard library comes from, which is part of the inputs.
            plan = self.plan(&facts)?;
        }
        let outdated: Vec<_> = plan.iter().filter(|planned| is_outdated(planned)).collect();

        let mut list = self.keep(&facts, &earlier, &out)?;
        let mut times = BTreeMap::new();
        let mut failures = Vec::new();
        let mut built = Ok(());
        if let Some((toolchain, progress)) = &toolchain {
            let jobs = self.jobs.or_else(|| std::thread::available_parallelism().ok().map(Into::into));
            let (made, result) = make(&facts, toolchain, &outdated, &out, jobs.unwrap_or(1).max(1), progress);
            built = result;
            for (planned, result) in outdated.iter().zip(made) {
                match result {
                    Ok((artifact, took)) => {
                        list.0.insert(planned.name.clone(), artifact);
                        times.insert(planned.name.clone(), took);
                    }
                    Err(error) => failures.push((*planned, error)),
                }
            }
        }
        list.remove_outdated(&out, &earlier)?;
        list.write(&out)?;
        stop_if_interrupted()?;
        print_table(&list, &times, &out, started.elapsed());
        let made = report_failures(&failures);
        built.and(made)
    }

    /// Every artifact that the arguments ask for.
    fn plan(&self, facts: &Facts) -> Result<Vec<Planned>> {
        for triple in &self.targets {
            let triples: Vec<_> = build::targets().iter().map(|target| target.triple.as_str()).collect();
            ensure!(
                triples.contains(&triple.as_str()),
                "unknown target {triple:?}: use {}",
                triples.join(", ")
            );
        }
        let formats = match self.formats.as_slice() {
            [] => formats::ALL.to_vec(),
            names => names.iter().map(|name| formats::by_name(name)).collect::<Result<_>>()?,
        };
        let chosen = |target: &&BuildTarget| self.targets.is_empty() || self.targets.contains(&target.triple);
        let plan = facts.plan(build::targets().iter().filter(chosen), &formats)?;
        ensure!(!plan.is_empty(), "none of these formats exists for any of these targets");
        Ok(plan)
    }

    /// Artifacts of earlier runs that this run does not make but that are still current.
    fn keep(&self, facts: &Facts, earlier: &Artifacts, out: &Path) -> Result<Artifacts> {
        let everything = facts.plan(build::targets().iter(), formats::ALL)?;
        let current = everything.iter().filter(|p| earlier.is_current(out, &p.name, &p.inputs));
        Ok(Artifacts(current.map(|p| (p.name.clone(), earlier.0[&p.name].clone())).collect()))
    }
}

impl Facts {
    fn gather() -> Result<Facts> {
        let product = Product::load(&workspace::product_manifest())?;
        let changelog = product.changelog()?;
        let epoch = workspace::epoch(&changelog)?;
        Ok(Facts { product, changelog, epoch, rust: Rust::find()?, sources: Sources::read()? })
    }

    fn plan(
        &self,
        targets: impl Iterator<Item = &'static BuildTarget>,
        formats: &[&'static dyn Format],
    ) -> Result<Vec<Planned>> {
        let version = self.changelog.latest().version;
        let packaging = self.packaging_inputs()?;
        let mut plan = Vec::new();
        for target in targets {
            let packaged = target.packaged()?;
            let program = target.inputs(&self.sources, &self.rust, self.epoch)?;
            for &format in formats.iter().filter(|format| format.supports(packaged)) {
                let name = format.file_name(&self.product, &version, packaged);
                let inputs = Inputs::default()
                    .value("program", &program)
                    .value("packaging", &packaging)
                    .value("format", format.name())
                    .value("epoch", &self.epoch.to_string())
                    .finish();
                plan.push(Planned { target, format, name, inputs });
            }
        }
        Ok(plan)
    }

    /// A digest of what decides the packages besides the programs: the packager and what it packs.
    fn packaging_inputs(&self) -> Result<String> {
        let inputs = Inputs::default().value("packager", &closure_digest(&self.sources, &["packager"])?);
        let mut packed = ["CHANGELOG.md", "LICENSE", "packaging"].into_iter();
        Ok(packed.try_fold(inputs, |inputs, path| inputs.tree(workspace::root(), path))?.finish())
    }
}

/// Only one `dist` at a time writes into a folder.
fn lock(out: &Path) -> Result<File> {
    let path = workspace::target("dist").join("lock");
    fs::create_dir_all(workspace::target("dist"))?;
    let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    file.try_lock().with_context(|| format!("another `cargo xtask dist` is writing to {}", out.display()))?;
    Ok(file)
}

/// Removes what a run that was killed left. No other run is writing: this one has the lock.
fn remove_unfinished(out: &Path) -> Result<()> {
    for entry in fs::read_dir(out)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(".unfinished-") {
            fs::remove_file(entry.path()).with_context(|| format!("removing {}", entry.path().display()))?;
        }
    }
    Ok(())
}

type Made = Result<(Artifact, Duration)>;

/// Brings what is needed to build for the planned targets.
fn prepare(plan: &[Planned]) -> Result<(Toolchain, Progress)> {
    let progress = Progress::new();
    build::fetch(&progress)?;
    let toolchain = Toolchain::prepare(&targets(plan), &progress)?;
    Ok((toolchain, progress))
}

/// The targets of a plan, each once.
fn targets<'a>(plan: impl IntoIterator<Item = &'a Planned>) -> Vec<&'static BuildTarget> {
    let mut targets: Vec<_> = plan.into_iter().map(|planned| planned.target).collect();
    targets.dedup_by_key(|target| target.triple.as_str());
    targets
}

/// Makes the planned artifacts; the results are in their order. The second result is the build's own.
fn make(
    facts: &Facts,
    toolchain: &Toolchain,
    plan: &[&Planned],
    out: &Path,
    jobs: usize,
    progress: &Progress,
) -> (Vec<Made>, Result<()>) {
    let results: Mutex<Vec<Option<Made>>> = Mutex::new(plan.iter().map(|_| None).collect());
    let store = |index: usize, made: Made| {
        let mut results = results.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        results[index] = Some(made);
    };
    let store = &store;
    let built = std::thread::scope(|scope| {
        let targets = targets(plan.iter().copied());
        let ready = |target: &BuildTarget, built: Result<PathBuf>| {
            let of_target = |(_, planned): &(usize, &&Planned)| planned.target.triple == target.triple;
            for (index, &planned) in plan.iter().enumerate().filter(of_target) {
                match &built {
                    Err(error) => store(index, Err(anyhow!("{error:#}"))),
                    Ok(program) => {
                        let program = program.clone();
                        scope.spawn(move || store(index, pack(facts, planned, &program, out, progress)));
                    }
                }
            }
        };
        build::programs(&targets, toolchain, &facts.sources, facts.epoch, jobs, progress, &ready)
    });
    let results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let made =
        results.into_iter().map(|made| made.unwrap_or_else(|| Err(anyhow!("its program was not built"))));
    (made.collect(), built)
}

fn pack(facts: &Facts, planned: &Planned, program: &Path, out: &Path, progress: &Progress) -> Made {
    stop_if_interrupted()?;
    let step = progress.step(&planned.name);
    let target = planned.target.packaged()?;
    let package = Package {
        product: &facts.product,
        changelog: &facts.changelog,
        version: facts.changelog.latest().version,
        target,
        payload: Payload::resolve(&facts.product, planned.format.name(), target, program)?,
        epoch: facts.epoch,
    };
    let origin = Origin {
        program,
        target: &planned.target.triple,
        inputs: &planned.inputs,
        toolchain: &planned.target.toolchain(&facts.rust),
    };
    let (_, artifact) = Artifact::make(out, planned.format, &package, origin)?;
    Ok((artifact, step.done()))
}

fn print_table(list: &Artifacts, times: &BTreeMap<String, Duration>, out: &Path, took: Duration) {
    let width = list.0.keys().map(String::len).max().unwrap_or(8);
    println!("{:width$}  {:26}  {:>10}  {:>9}", "artifact", "target", "size", "time");
    for (name, artifact) in &list.0 {
        let time =
            times.get(name).map_or("unchanged".to_owned(), |took| format!("{:.1} s", took.as_secs_f64()));
        let size = format!("{:.2} MB", artifact.size as f64 / 1e6);
        println!("{name:width$}  {:26}  {size:>10}  {time:>9}", artifact.target);
    }
    println!(
        "{} artifacts in {}, with SHA256SUMS and artifacts.json, after {:.1} s",
        list.0.len(),
        out.display(),
        took.as_secs_f64()
    );
}

fn report_failures(failures: &[(&Planned, anyhow::Error)]) -> Result<()> {
    for (planned, error) in failures {
        eprintln!("FAILED {}: {error:#}", planned.name);
    }
    if !failures.is_empty() {
        bail!("{} artifacts could not be made; the others are in place", failures.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the version that the programs say differs from the one that the packages say.
    #[test]
    fn one_version() {
        let product = Product::load(&workspace::product_manifest()).unwrap();
        let packaged = product.changelog().unwrap().latest().version;
        assert_eq!(packaged.to_string(), env!("CARGO_PKG_VERSION"), "CHANGELOG.md and Cargo.toml differ");
    }

    /// Fails if: a format has no target, a target no format, or two artifacts would have one name.
    #[test]
    fn every_format_and_target_is_planned() {
        let product = Product::load(&workspace::product_manifest()).unwrap();
        let version = product.changelog().unwrap().latest().version;
        let mut names = std::collections::BTreeSet::new();
        for target in build::targets() {
            let packaged = target.packaged().unwrap();
            let supported: Vec<_> = formats::ALL.iter().filter(|format| format.supports(packaged)).collect();
            assert!(!supported.is_empty(), "{}", target.triple);
            for format in supported {
                assert!(names.insert(format.file_name(&product, &version, packaged)), "{}", format.name());
            }
        }
        assert_eq!(names.len(), 11, "{names:?}");
    }
}
