//! The folder of signed artifacts: the plan's nodes are made, signed and verified in a folder of their own, each after
//! what it is made of, and appear by rename.
//!
//! What has a stored signature for the same bits gets that, so that a run goes on where another one ended. A node whose
//! signer waits for somebody is left out with everything that is made of it.

mod earlier;
mod folders;
mod programs;
mod report;

use super::signer::{Answer, NodeKind, Notarised, Signer, Signers};
use super::store::{self, Entry, Store, Submitted, Ticket, Waiting};
use crate::process::stop_if_interrupted;
use crate::{dist, workspace};
use anyhow::{Context, Result, ensure};
use earlier::Earlier;
use folders::NewFolders;
use packager::digest::sha256_file;
use packager::unfinished::{self, PREFIX, Unfinished};
use packager::{Artifacts, Compiled, Folder, Origin, Part, Programs, Recipe, Row};
use programs::Unsigned;
pub(super) use report::Report;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The artifacts that are not made, because nobody signs something in them, by the reason.
pub(super) type LeftOut = BTreeMap<String, Vec<String>>;

/// What is to be made.
pub(super) struct Order<'a> {
    /// How artifacts are made.
    pub(super) recipe: &'a Recipe,
    /// Which ones, parts first.
    pub(super) rows: Vec<&'a Row>,
    /// Folders of unsigned programs, instead of those that were built.
    pub(super) programs: &'a [Compiled],
    /// Where the artifacts go.
    pub(super) out: &'a Path,
    /// Where the signatures of this version are.
    pub(super) signatures: PathBuf,
    /// Whether only stored signatures count, and none are made.
    pub(super) is_keyless: bool,
    /// Whether the notary is asked for what is for macOS.
    pub(super) notarise: bool,
    /// What is not made.
    pub(super) left: LeftOut,
}

/// A release on its way.
struct Run<'a> {
    order: &'a Order<'a>,
    signers: &'a Signers,
    programs: Vec<Unsigned>,
    /// The folder in which everything is made.
    staging: TempDir,
    earlier: Earlier,
    store: Store,
    /// The files of signatures and tickets that are new.
    new: BTreeSet<String>,
    /// Whether one of them had another signature before.
    replaces: bool,
    made: Artifacts,
    /// The nodes that were tried.
    tried: BTreeSet<String>,
    /// What is not made, by the name of its row, and the nodes that it waits for.
    missing: BTreeMap<String, BTreeSet<String>>,
}

/// Signs programs, makes what they are for, signs that, and so on, and lets everything appear once all of it is right.
///
/// # Errors
/// If anything fails. The folders are then as they were.
pub(super) fn make(order: &Order<'_>, signers: &Signers) -> Result<Report> {
    let programs = programs::find(order)?;
    let mut folders = NewFolders::default();
    folders.make(order.out)?;
    let out = dist::open(order.out)?;
    let is_dist = workspace::dist().canonicalize().is_ok_and(|dist| dist == out.path());
    ensure!(!is_dist, "{} has the unsigned artifacts: choose another folder with --out", order.out.display());
    let (_lock, store) = open_store(order, &out, &mut folders)?;
    let staging = tempfile::Builder::new().prefix(PREFIX).tempdir_in(out.path());
    let staging = staging.with_context(|| format!("writing to {}", order.out.display()))?;
    for name in ["ready", "unsigned", "programs", "signatures"] {
        let path = staging.path().join(name);
        fs::create_dir(&path).with_context(|| format!("making {}", path.display()))?;
    }
    let mut run = Run {
        order,
        signers,
        programs,
        staging,
        earlier: Earlier::look(order)?,
        store,
        new: BTreeSet::new(),
        replaces: false,
        made: Artifacts::default(),
        tried: BTreeSet::new(),
        missing: BTreeMap::new(),
    };
    for row in &order.rows {
        run.row(row)?;
    }
    stop_if_interrupted()?;
    run.appear()
}

/// What was stored before, and what keeps other runs from storing meanwhile.
fn open_store(order: &Order<'_>, out: &Folder, folders: &mut NewFolders) -> Result<(Option<Folder>, Store)> {
    let folder = &order.signatures;
    if order.is_keyless {
        return Ok((None, Store::load(folder)?));
    }
    folders.make(folder)?;
    ensure!(
        folder.canonicalize()? != out.path(),
        "{} is to have artifacts and signatures: choose another folder with --signatures",
        folder.display()
    );
    let lock = dist::open(folder)?;
    if !folder.join(store::LIST).exists() {
        return Ok((Some(lock), Store::default()));
    }
    let store = Store::load(folder).with_context(|| {
        format!("looking at the signatures that {} has already: move it away", folder.display())
    })?;
    Ok((Some(lock), store))
}

impl Run<'_> {
    /// Where something is made.
    fn place(&self, kind: &str, name: &str) -> PathBuf {
        self.staging.path().join(kind).join(name)
    }

    /// Makes an artifact, unless something that it is made of is still waited for.
    fn row(&mut self, row: &Row) -> Result<()> {
        let recipe = self.order.recipe;
        let names = recipe.programs(row)?;
        let is_inside = |p: &&Unsigned| row.targets.contains(&p.triple) && names.contains(&p.name);
        let mut awaited: BTreeSet<String> =
            row.of.iter().filter_map(|part| self.missing.get(part)).flatten().cloned().collect();
        let inside: Vec<Unsigned> = self.programs.iter().filter(is_inside).cloned().collect();
        for program in &inside {
            if !self.program(program)? {
                awaited.insert(program.node.clone());
            }
        }
        if awaited.is_empty() && !self.pack(row)? {
            awaited.insert(recipe.file_name(row)?);
        }
        if !awaited.is_empty() {
            self.missing.insert(row.name.clone(), awaited);
        }
        Ok(())
    }

    /// Signs a program. Whether it is there now.
    fn program(&mut self, program: &Unsigned) -> Result<bool> {
        let to = self.place("programs", &program.triple).join(&program.name);
        if !self.tried.insert(program.node.clone()) {
            return Ok(to.exists());
        }
        let folder = self.place("programs", &program.triple);
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        match program.kind {
            Some(NodeKind::MacProgram) => {
                // As it is in the artifacts that nobody signed.
                let compiled = Compiled { triple: program.triple.clone(), folder: folder_of(&program.path) };
                let programs = Programs::new(&self.order.recipe.product, vec![compiled])?;
                let path = self.place("unsigned", &program.node.replace('/', "-"));
                let unsigned = programs.source(&program.name)?.read()?;
                fs::write(&path, unsigned).with_context(|| format!("writing {}", path.display()))?;
                self.sign(&program.node, NodeKind::MacProgram, [&path, &to], &program.toolchain)
            }
            Some(kind) => self.sign(&program.node, kind, [&program.path, &to], &program.toolchain),
            None => {
                fs::copy(&program.path, &to)
                    .with_context(|| format!("copying {}", program.path.display()))?;
                Ok(true)
            }
        }
    }

    /// Makes an artifact of what is signed, and signs it. Whether it is there now.
    fn pack(&mut self, row: &Row) -> Result<bool> {
        stop_if_interrupted()?;
        let recipe = self.order.recipe;
        let name = recipe.file_name(row)?;
        let compiled =
            |triple: &String| Compiled { triple: triple.clone(), folder: self.place("programs", triple) };
        let programs = recipe.take(row, row.targets.iter().map(compiled).collect())?;
        let part = |part: &String| {
            let file = recipe.file_name(recipe.rows.row(part)?)?;
            Ok(Part::new(part, self.place("ready", &file)))
        };
        let parts: Vec<Part> = row.of.iter().map(part).collect::<Result<_>>()?;
        let inputs = recipe.inputs_by_content(row, &programs, &parts)?;
        let origin = Origin { inputs: &inputs, toolchain: &self.toolchain(row)? };
        let unsigned = self.staging.path().join("unsigned");
        let (path, mut artifact) = recipe.make(row, &programs, parts, origin, &unsigned)?;
        let ready = self.place("ready", &name);
        match NodeKind::of_artifact(row)? {
            Some(kind) => {
                self.tried.insert(name.clone());
                if !self.sign(&name, kind, [&path, &ready], "")? {
                    return Ok(false);
                }
            }
            None => {
                if let Some(kind) = NodeKind::inside(&recipe.rows, row)?.first() {
                    self.signers.of(*kind)?.judge(&name, &path)?;
                }
                fs::rename(&path, &ready).with_context(|| format!("writing {}", ready.display()))?;
            }
        }
        artifact.size = fs::metadata(&ready)?.len();
        artifact.sha256 = sha256_file(&ready)?;
        self.made.0.insert(name, artifact);
        Ok(true)
    }

    /// What the programs of an artifact were made with, those of its parts included.
    fn toolchain(&self, row: &Row) -> Result<String> {
        let targets = self.order.recipe.rows.targets(row)?;
        let inside = self.programs.iter().filter(|program| targets.contains(&&*program.triple));
        let mut all: Vec<&str> = Vec::new();
        for program in inside {
            let stored = self.store.files.get(&program.node);
            let toolchain = stored.map_or(&program.toolchain, |entry| &entry.toolchain);
            if !all.contains(&toolchain.as_str()) {
                all.push(toolchain);
            }
        }
        Ok(all.join("; "))
    }

    /// Signs a node, or attaches what was stored for it, and verifies it. Whether it is there now: its signer may wait
    /// for somebody.
    fn sign(
        &mut self,
        node: &str,
        kind: NodeKind,
        [unsigned, to]: [&Path; 2],
        toolchain: &str,
    ) -> Result<bool> {
        stop_if_interrupted()?;
        let signer = self.signers.of(kind)?;
        let stored = self.stored(node, unsigned, signer)?;
        if !self.asks_notary(kind, node) {
            let released = stored.as_ref().map(|(_, entry)| entry.released_sha256());
            self.earlier.refuse_to_mix(self.order, node, released)?;
        }
        if let Some((signature, entry)) = stored {
            signer
                .attach(&signature, entry.extended, [unsigned, to])
                .and_then(|()| entry.check_signed(node, to, &signer.tool()))
                .with_context(|| format!("attaching {} to {node}", signature.display()))?;
        } else {
            let signature = self.place("signatures", &store::file_name(node));
            let Some(extended) = self.ask(node, signer, [unsigned, &signature])? else { return Ok(false) };
            signer.attach(&signature, extended, [unsigned, to])?;
            let entry = Entry {
                unsigned_sha256: sha256_file(unsigned)?,
                signed_sha256: sha256_file(to)?,
                signature_sha256: sha256_file(&signature)?,
                extended,
                attached_by: signer.tool(),
                toolchain: toolchain.to_owned(),
                notarised: None,
            };
            self.store.files.insert(node.to_owned(), entry);
            self.store.submitted.remove(node);
            self.new.insert(store::file_name(node));
        }
        seal(to)?;
        signer.judge(node, to)?;
        if self.asks_notary(kind, node) && !self.ask_notary(node, signer, to)? {
            fs::remove_file(to).with_context(|| format!("removing {}", to.display()))?;
            return Ok(false);
        }
        self.staple(node, signer, to)?;
        Ok(true)
    }

    /// Whether the notary has still to accept a node.
    fn asks_notary(&self, kind: NodeKind, node: &str) -> bool {
        let is_accepted = self.store.files.get(node).is_some_and(|entry| entry.notarised.is_some());
        self.order.notarise && kind.is_for_mac() && !is_accepted
    }

    /// Asks the notary for a signed node, and notes if its answer is waited for. Whether it is there.
    fn ask_notary(&mut self, node: &str, signer: &dyn Signer, signed: &Path) -> Result<bool> {
        self.earlier.refuse_to_mix(self.order, node, None)?;
        let signed_sha256 = sha256_file(signed)?;
        let ticket = self.place("signatures", &store::ticket_name(node));
        let submitted = self.store.submitted.remove(node).filter(|one| one.signed_sha256 == signed_sha256);
        let submission = submitted.and_then(|one| one.submission);
        let answer = signer.notarise(signed, &ticket, submission.as_deref());
        match answer.with_context(|| format!("asking the notary for {node}"))? {
            Notarised::Waiting { submission, whom } => {
                let submitted = Submitted { signed_sha256, submission, whom };
                self.store.submitted.insert(node.to_owned(), submitted);
                Ok(false)
            }
            Notarised::Accepted { submission, has_ticket } => {
                let mut made = None;
                if has_ticket {
                    let stapled = self.place("signatures", "stapled");
                    signer.staple(&ticket, [signed, &stapled])?;
                    made = Some(Ticket {
                        ticket_sha256: sha256_file(&ticket)?,
                        stapled_sha256: sha256_file(&stapled)?,
                    });
                    self.new.insert(store::ticket_name(node));
                }
                let entry = self.store.files.get_mut(node).context("what is notarised is signed")?;
                entry.notarised = Some(store::Notarised { submission, ticket: made });
                Ok(true)
            }
        }
    }

    /// Puts the ticket of a node to it, if there is one.
    fn staple(&self, node: &str, signer: &dyn Signer, to: &Path) -> Result<()> {
        let is_new = self.new.contains(&store::ticket_name(node));
        let made = self.staging.path().join("signatures");
        let folder = if is_new { &made } else { &self.order.signatures };
        let Some((file, ticket)) = self.store.ticket(folder, node)? else { return Ok(()) };
        let stapled = made.join("stapled");
        signer.staple(&file, [to, &stapled]).with_context(|| format!("stapling {}", file.display()))?;
        let found = sha256_file(&stapled)?;
        ensure!(
            found == ticket.stapled_sha256,
            "{node} with its ticket has other bits than it had: its SHA-256 is {found}, and {} says {}",
            store::LIST,
            ticket.stapled_sha256
        );
        fs::rename(&stapled, to).with_context(|| format!("writing {}", to.display()))?;
        seal(to)?;
        signer.judge(node, to)
    }

    /// The signature that was stored for the same bits. With a key, one that lacks a time stamp does not count.
    fn stored(&self, node: &str, unsigned: &Path, signer: &dyn Signer) -> Result<Option<(PathBuf, Entry)>> {
        let entry = self.store.files.get(node);
        if !self.order.is_keyless
            && entry.map(|entry| &entry.unsigned_sha256) != Some(&sha256_file(unsigned)?)
        {
            return Ok(None);
        }
        let (signature, entry) = self.store.signature(&self.order.signatures, node, unsigned)?;
        let counts = self.order.is_keyless || signer.is_enough(&signature)?;
        Ok(counts.then(|| (signature, entry.clone())))
    }

    /// Asks for a new signature, and notes if that is waited for. Whether it covers an installer's streams.
    fn ask(&mut self, node: &str, signer: &dyn Signer, [from, to]: [&Path; 2]) -> Result<Option<bool>> {
        self.refuse_to_lose(node)?;
        let unsigned_sha256 = sha256_file(from)?;
        let said = self.store.waiting.remove(node).filter(|said| said.unsigned_sha256 == unsigned_sha256);
        match signer.sign(from, to, said.as_ref().map(|said| said.whom.as_str()))? {
            Answer::Signed { extended } => Ok(Some(extended)),
            Answer::Waiting(whom) => {
                self.store.waiting.insert(node.to_owned(), Waiting { unsigned_sha256, whom });
                Ok(None)
            }
        }
    }

    /// Refuses to replace some of the stored signatures that were made together: the others would be of no use any more.
    fn refuse_to_lose(&mut self, node: &str) -> Result<()> {
        if !self.store.files.contains_key(node) {
            return Ok(());
        }
        self.replaces = true;
        let files = self.order.rows.iter().map(|row| self.order.recipe.file_name(row));
        let mut asked_for: BTreeSet<String> = files.collect::<Result<_>>()?;
        asked_for.extend(self.programs.iter().map(|program| program.node.clone()));
        let lost: Vec<_> =
            self.store.files.keys().filter(|name| !asked_for.contains(*name)).cloned().collect();
        ensure!(
            lost.is_empty(),
            "{} has signatures of files that are not signed now ({}) and would be lost: sign everything at once, choose another folder with --signatures, or move it away",
            self.order.signatures.display(),
            lost.join(", ")
        );
        Ok(())
    }

    /// Lets everything appear, the lists last. Until all of it lies ready, nothing is touched.
    fn appear(self) -> Result<Report> {
        let Order { out, signatures, .. } = self.order;
        ensure!(
            self.missing.is_empty() || !self.replaces,
            "{} has signatures of other bits of this version, which would be lost before all of the new ones are there: choose another folder with --signatures, or move it away",
            signatures.display()
        );
        let report = Report::new(&self);
        let mut artifacts = Vec::new();
        for name in self.made.0.keys() {
            let [ready, path] = [self.place("ready", name), out.join(name)];
            seal(&ready)?;
            ensure!(!path.is_dir(), "{} is a directory: move it away", path.display());
            artifacts.push((ready, path));
        }
        let mut files: Vec<Unfinished> = Vec::new();
        if !self.order.is_keyless {
            for name in &self.new {
                let path = self.place("signatures", name);
                let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
                files.push(unfinished::prepare(signatures, name, &bytes)?);
            }
            files.push(unfinished::prepare(signatures, store::LIST, self.store.list()?.as_bytes())?);
        }
        if !self.made.0.is_empty() {
            files.extend(self.earlier.with(&self.made).0.prepare(out)?);
        }

        for (ready, path) in artifacts {
            fs::rename(&ready, &path).with_context(|| format!("renaming to {}", path.display()))?;
        }
        for file in files {
            file.appear()?;
        }
        for path in report.removed.iter().filter(|path| path.exists()) {
            fs::remove_file(path)
                .with_context(|| format!("removing {}, which is outdated", path.display()))?;
        }
        Ok(report)
    }
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).to_owned()
}

/// Makes a file last, readable for everyone whatever the umask says.
fn seal(path: &Path) -> Result<()> {
    let doing = || format!("writing {}", path.display());
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).with_context(doing)?;
    File::open(path).and_then(|file| file.sync_all()).with_context(doing)
}
