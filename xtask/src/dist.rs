//! `cargo xtask dist`: from the sources to every artifact in `dist/`.
//!
//! Programs are built side by side, as many as there are jobs; artifacts are made beside them, as soon as
//! what they consist of is there. What has not changed is not built again. A failure of one target or
//! artifact is reported with all the others, not instead of them.

use crate::appliance::{self, Planned};
use crate::build::{self, BuildTarget};
use crate::inputs;
use crate::plan::{Facts, Node, Plan};
use crate::process::stop_if_interrupted;
use crate::progress::Progress;
use crate::toolchain::Toolchain;
use crate::workspace;
use anyhow::{Result, anyhow, bail};
use packager::{ApplianceRow, Artifact, Artifacts, Compiled, Folder, Origin, Part, Recipe, Row};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Builds artifacts into dist/, by default all of them
///
/// Needs Rust, a C compiler and Python 3; brings everything else by itself, without root. Ends with a
/// table; `artifacts.json` says the same to machines.
#[derive(clap::Args)]
pub(crate) struct Dist {
    /// The artifacts to make, by the names that --list shows; what they are made of comes along
    names: Vec<String>,
    /// Lists the artifacts that there are, or those that are named, and ends
    #[arg(long)]
    list: bool,
    /// Prints the list as JSON, with a digest of what decides the bits of each (`inputs`)
    #[arg(long, requires = "list")]
    json: bool,
    /// Where the artifacts go, by default the workspace's folder dist
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How many jobs run at once; by default one for each processor
    #[arg(long, short)]
    jobs: Option<usize>,
}

impl Dist {
    pub(crate) fn run(self) -> Result<()> {
        if self.list && !self.json {
            return list_chosen(&crate::plan::recipe()?, &self.names);
        }
        let started = Instant::now();
        let facts = Facts::gather()?;
        let (appliances, names) = appliance::split(&facts.recipe, &self.names);
        let mut plan = facts.plan(&names)?;
        if self.json {
            return list_json(&plan, &appliance::plan(&facts, &appliances)?);
        }
        let folder = open(&self.out.clone().unwrap_or_else(workspace::dist))?;
        let out = folder.path();
        let earlier = Artifacts::load(out)?.unwrap_or_default();
        if appliance::plan(&facts, &appliances)?.iter().any(|planned| !planned.is_current(out, &earlier)) {
            appliance::is_possible_here()?;
        }
        let mut toolchain = None;
        if !plan.nodes.iter().all(|node| node.is_current(out, &earlier)) {
            toolchain = Some(prepare(&plan.nodes)?);
            // Only now is it certain where each standard library comes from, which is part of the inputs.
            plan = facts.plan(&names)?;
        }
        let outdated: Vec<_> = plan.nodes.iter().filter(|node| !node.is_current(out, &earlier)).collect();

        let mut list = keep(&facts, &earlier, out)?;
        appliance::keep(&facts, &earlier, out, &mut list)?;
        let mut times = BTreeMap::new();
        let mut failures = Vec::new();
        let mut built = Ok(());
        if let Some((toolchain, progress)) = &toolchain {
            let jobs = self.jobs.or_else(|| std::thread::available_parallelism().ok().map(Into::into));
            let workshop =
                Workshop { facts: &facts, out, toolchain, progress, jobs: jobs.unwrap_or(1).max(1) };
            let (made, build) = workshop.make(&outdated);
            built = build;
            for (node, made) in made {
                match made {
                    Ok((artifact, took)) => {
                        list.0.insert(node.file_name.clone(), artifact);
                        times.insert(node.file_name.clone(), took);
                    }
                    Err(error) => failures.push((node, error)),
                }
            }
        }
        // It keeps others out of the cache, which is needed again.
        drop(toolchain);
        let appliances = self.appliances(&facts, &appliances, &mut list, &mut times, out);
        list.remove_outdated(out, &earlier)?;
        list.write(out)?;
        stop_if_interrupted()?;
        print_table(&list, &times, out, started.elapsed());
        if self.names.is_empty() {
            print_left_out(&facts.recipe);
        }
        let made = report_failures(&failures);
        built.and(made).and(appliances)
    }

    /// Makes the appliances, of what is in the list, which they are added to.
    fn appliances(
        &self,
        facts: &Facts,
        rows: &[&ApplianceRow],
        list: &mut Artifacts,
        times: &mut BTreeMap<String, Duration>,
        out: &Path,
    ) -> Result<()> {
        let planned = appliance::plan(facts, rows)?;
        let outdated: Vec<_> = planned.iter().filter(|one| !list.0.contains_key(&one.file_name)).collect();
        for (file, artifact, took) in appliance::make(facts, &outdated, list, out, &Progress::new())? {
            list.0.insert(file.clone(), artifact);
            times.insert(file, took);
        }
        Ok(())
    }
}

/// Says what is made only when it is named, and how to ask for it.
fn print_left_out(recipe: &Recipe) {
    let names: Vec<&str> = recipe.rows.appliances().iter().map(|row| row.name.as_str()).collect();
    if let Some(first) = names.first() {
        println!("not made, as nobody named them: {} (`cargo xtask dist {first}`)", names.join(", "));
    }
}

/// Builds every artifact into dist/, and these appliances.
///
/// # Errors
/// As `cargo xtask dist`.
pub(crate) fn everything(recipe: &Recipe, appliances: &[&ApplianceRow]) -> Result<()> {
    let artifacts = recipe.rows.artifacts().iter().map(|row| &row.name);
    let names = artifacts.chain(appliances.iter().map(|row| &row.name)).cloned().collect();
    Dist { names, list: false, json: false, out: None, jobs: None }.run()
}

/// Prints the artifacts of these names, or all; the appliances come last.
fn list_chosen(recipe: &Recipe, names: &[String]) -> Result<()> {
    let (mut appliances, mut names) = (recipe.rows.appliances().iter().collect(), names.to_vec());
    if !names.is_empty() {
        (appliances, names) = appliance::split(recipe, &names);
    }
    let lines = appliances.into_iter().map(|row| appliance::describe(recipe, row)).collect::<Result<_>>()?;
    list_with(recipe, recipe.rows.chosen(&names)?, lines)
}

/// Prints these artifacts.
///
/// # Errors
/// If a row says what cannot be made.
pub(crate) fn list<'a>(recipe: &Recipe, rows: impl IntoIterator<Item = &'a Row>) -> Result<()> {
    list_with(recipe, rows, Vec::new())
}

fn list_with<'a>(
    recipe: &Recipe,
    rows: impl IntoIterator<Item = &'a Row>,
    further: Vec<[String; 4]>,
) -> Result<()> {
    let mut lines = vec![["artifact", "format", "for", "file"].map(str::to_owned)];
    for row in rows {
        let targets = if row.of.is_empty() { row.targets.join(", ") } else { row.of.join(", ") };
        lines.push([row.name.clone(), row.format()?.name().to_owned(), targets, recipe.file_name(row)?]);
    }
    lines.extend(further);
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or_default();
    let widths = [0, 1, 2].map(width);
    for [name, format, targets, file] in &lines {
        println!("{name:0$}  {format:1$}  {targets:2$}  {file}", widths[0], widths[1], widths[2]);
    }
    Ok(())
}

/// Prints a plan for other programs. The digests are those that `artifacts.json` gets, as long as the standard
/// libraries come from where they come from now.
fn list_json(plan: &Plan<'_>, appliances: &[Planned<'_>]) -> Result<()> {
    let rows = plan.nodes.iter().map(|Node { row, file_name, inputs, .. }| {
        Ok(json!({
            "artifact": row.name,
            "format": row.format()?.name(),
            "targets": row.targets,
            "of": row.of,
            "file": file_name,
            "inputs": inputs,
        }))
    });
    let appliances = appliances.iter().map(|Planned { row, file_name, inputs, .. }| {
        Ok(json!({
            "artifact": row.name,
            "format": row.format,
            "targets": [],
            "of": [row.of],
            "file": file_name,
            "inputs": inputs,
        }))
    });
    println!("{}", serde_json::to_string_pretty(&rows.chain(appliances).collect::<Result<Vec<_>>>()?)?);
    Ok(())
}

/// Keeps other runs out of the folder of artifacts.
///
/// # Errors
/// If it cannot be written, or somebody interrupts the waiting for another run.
pub(crate) fn open(folder: &Path) -> Result<Folder> {
    let mut is_told = false;
    Folder::open_while(folder, || {
        if !is_told {
            eprintln!("another run is writing to {}: waiting for its end", folder.display());
            is_told = true;
        }
        stop_if_interrupted()
    })
}

/// Artifacts of earlier runs that this run does not make but that are still current.
fn keep(facts: &Facts, earlier: &Artifacts, out: &Path) -> Result<Artifacts> {
    let everything = facts.plan(&[])?;
    let current = everything.nodes.iter().filter(|node| node.is_current(out, earlier));
    Ok(Artifacts(current.map(|n| (n.file_name.clone(), earlier.0[&n.file_name].clone())).collect()))
}

/// Brings what is needed to build for the planned targets.
fn prepare(nodes: &[Node<'_>]) -> Result<(Toolchain, Progress)> {
    let progress = Progress::new();
    inputs::fetch(&progress)?;
    let toolchain = Toolchain::prepare(&targets(nodes), &progress)?;
    Ok((toolchain, progress))
}

/// The targets of artifacts, each once.
fn targets<'a>(nodes: impl IntoIterator<Item = &'a Node<'a>>) -> Vec<&'static BuildTarget> {
    let mut targets: Vec<&'static BuildTarget> = Vec::new();
    for target in nodes.into_iter().flat_map(|node| &node.targets) {
        if !targets.iter().any(|other| other.triple == target.triple) {
            targets.push(target);
        }
    }
    targets
}

type Made = Result<(Artifact, Duration)>;

/// Where artifacts are made.
struct Workshop<'a> {
    facts: &'a Facts,
    out: &'a Path,
    toolchain: &'a Toolchain,
    progress: &'a Progress,
    jobs: usize,
}

/// What is there so far: the folder of each target's programs, and each artifact's file. A failure is kept as what
/// is said of it to those that wait for it.
#[derive(Default)]
struct Done {
    programs: BTreeMap<String, Result<PathBuf, String>>,
    artifacts: BTreeMap<String, Result<PathBuf, String>>,
}

/// Lets those that need something wait for it.
#[derive(Default)]
struct Board {
    done: Mutex<Done>,
    changed: Condvar,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn post(&self, change: impl FnOnce(&mut Done)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until `find` finds something.
    fn wait<T>(&self, find: impl Fn(&Done) -> Option<T>) -> T {
        let mut done = self.lock();
        loop {
            if let Some(found) = find(&done) {
                return found;
            }
            done = self.changed.wait(done).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Workshop<'_> {
    /// Makes the outdated artifacts; the results are in their order, and the second is the build's own. Parts that are
    /// not outdated lie in the folder.
    fn make<'n>(&self, outdated: &[&'n Node<'n>]) -> (Vec<(&'n Node<'n>, Made)>, Result<()>) {
        let board = Board::default();
        let (board, targets) = (&board, targets(outdated.iter().copied()));
        let mut built = Ok(());
        let made = std::thread::scope(|scope| {
            let making: Vec<_> = outdated
                .iter()
                .map(|node| (*node, scope.spawn(move || self.make_one(node, outdated, board))))
                .collect();
            built = self.build(&targets, board);
            let joined = making.into_iter().map(|(node, thread)| {
                (node, thread.join().unwrap_or_else(|_| Err(anyhow!("making it panicked (see above)"))))
            });
            joined.collect()
        });
        (made, built)
    }

    /// Builds the programs, each of which is posted as soon as it is there, or as what went wrong.
    fn build(&self, targets: &[&'static BuildTarget], board: &Board) -> Result<()> {
        let post = |target: &BuildTarget, built: Result<PathBuf, String>| {
            board.post(|done| {
                done.programs.entry(target.triple.clone()).or_insert(built);
            });
        };
        let ready = |target: &'static BuildTarget, built: Result<PathBuf>| {
            let folder = |program: PathBuf| program.parent().unwrap_or(Path::new(".")).to_owned();
            post(target, built.map(folder).map_err(|error| format!("{error:#}")));
        };
        let Facts { recipe, sources, .. } = self.facts;
        let built =
            build::programs(targets, self.toolchain, sources, recipe.epoch, self.jobs, self.progress, &ready);
        let why = built.as_ref().err().map_or("it was not built".to_owned(), |error| format!("{error:#}"));
        targets.iter().for_each(|target| post(target, Err(why.clone())));
        built
    }

    fn make_one(&self, node: &Node<'_>, outdated: &[&Node<'_>], board: &Board) -> Made {
        let made = self.wait_and_make(node, outdated, board);
        let said = match &made {
            Ok(_) => Ok(self.out.join(&node.file_name)),
            Err(error) => Err(format!("{} could not be made: {error:#}", node.row.name)),
        };
        board.post(|done| drop(done.artifacts.insert(node.row.name.clone(), said)));
        made
    }

    fn wait_and_make(&self, node: &Node<'_>, outdated: &[&Node<'_>], board: &Board) -> Made {
        let mut compiled = Vec::new();
        for BuildTarget { triple, .. } in &node.targets {
            let folder =
                board.wait(|done| done.programs.get(triple).cloned()).map_err(|error| anyhow!(error))?;
            compiled.push(Compiled { triple: triple.clone(), folder });
        }
        let recipe = &self.facts.recipe;
        let mut parts = Vec::new();
        for name in &node.row.of {
            let path = if outdated.iter().any(|node| node.row.name == *name) {
                board.wait(|done| done.artifacts.get(name).cloned()).map_err(|error| anyhow!(error))?
            } else {
                self.out.join(recipe.file_name(recipe.rows.row(name)?)?)
            };
            parts.push(Part::new(name, path));
        }
        stop_if_interrupted()?;
        let step = self.progress.step(&node.file_name);
        let programs = recipe.take(node.row, compiled)?;
        let toolchain = self.facts.toolchain(node.row)?;
        let origin = Origin { inputs: &node.inputs, toolchain: &toolchain };
        let (_, artifact) = recipe.make(node.row, &programs, parts, origin, self.out)?;
        Ok((artifact, step.done()))
    }
}

fn print_table(list: &Artifacts, times: &BTreeMap<String, Duration>, out: &Path, took: Duration) {
    let width = list.0.keys().map(String::len).max().unwrap_or(8);
    println!("{:width$}  {:22}  {:>10}  {:>9}", "file", "artifact", "size", "time");
    for (name, artifact) in &list.0 {
        let time =
            times.get(name).map_or("unchanged".to_owned(), |took| format!("{:.1} s", took.as_secs_f64()));
        let size = format!("{:.2} MB", artifact.size as f64 / 1e6);
        println!("{name:width$}  {:22}  {size:>10}  {time:>9}", artifact.artifact);
    }
    println!(
        "{} artifacts in {}, with SHA256SUMS and artifacts.json, after {:.1} s",
        list.0.len(),
        out.display(),
        took.as_secs_f64()
    );
}

fn report_failures(failures: &[(&Node<'_>, anyhow::Error)]) -> Result<()> {
    for (node, error) in failures {
        eprintln!("FAILED {}: {error:#}", node.file_name);
    }
    if !failures.is_empty() {
        bail!("{} artifacts could not be made; the others are in place", failures.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: what waits for something that failed waits for ever, or is not told why.
    #[test]
    fn failures_reach_those_that_wait() {
        let board = Board::default();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| board.wait(|done| done.programs.get("t").cloned()));
            board.post(|done| drop(done.artifacts.insert("other".into(), Ok(PathBuf::new()))));
            board.post(|done| drop(done.programs.insert("t".into(), Err("no compiler".into()))));
            assert_eq!(waiting.join().unwrap(), Err("no compiler".to_owned()));
        });
    }
}
