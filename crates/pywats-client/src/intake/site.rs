//! One folder that is watched: it hears of files, looks at everything now and then, and comes back to
//! files that were not ready. Good files come first; what is unusable is moved away in between.

use super::again::{self, Again};
use super::agenda::Agenda;
use super::aside::{Asides, Incomplete, PutAside};
use super::claim::{Batch, Left, RETRY};
use super::names::Names;
use super::readiness::STABLE;
use super::take::{Finding, Outcome, Taker};
use super::troubles::{Trouble, Troubles, let_in};
use super::untaken::Untaken;
use super::watch::{News, Post};
use super::watched::{Means, RESCAN, Watched};
use super::worker::Setup;
use crate::folder::{self, Folder, Item, Kind};
use crate::observed::{Ended, Refused};
use crate::status::{About, Area, FolderStatus, Topic};
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Folders that lie deeper are not watched.
const DEEPEST: usize = 16;
/// How often a disk that refused is tried again.
const DISK: Duration = Duration::from_secs(2);
/// The longest time without a sign of life.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Site {
    setup: Arc<Setup>,
    /// The watch folder, or a folder in it.
    path: PathBuf,
    /// How deep it lies in the watch folder.
    pub(super) depth: usize,
    status: FolderStatus,
    post: Post,
    names: Names,
    /// The folders in it that are to be watched, too.
    pub(super) children: Vec<OsString>,
    /// Whether it is there: a folder in another one may go.
    pub(super) is_there: bool,
    watched: Option<Watched>,
    agenda: Agenda,
    batch: Batch,
    asides: Asides,
    incomplete: Incomplete,
    again: Again,
    untaken: Untaken,
    troubles: Troubles,
    /// Files that came back from the spool, and until when they are left alone.
    resting: HashMap<OsString, Instant>,
    next_scan: Instant,
    /// Until then the disk is left alone.
    blocked_until: Option<Instant>,
}

impl Site {
    /// The watch folder itself, or a folder in it.
    pub(super) fn new(
        setup: &Arc<Setup>,
        path: PathBuf,
        depth: usize,
        status: FolderStatus,
        post: Post,
    ) -> Site {
        let names = Names::new(&setup.folder.patterns);
        Site {
            setup: Arc::clone(setup),
            path,
            depth,
            status,
            post,
            untaken: Untaken::new(names.clone()),
            names,
            children: Vec::new(),
            is_there: true,
            watched: None,
            agenda: Agenda::default(),
            batch: Batch::of(&setup.folder),
            asides: Asides::default(),
            incomplete: Incomplete::new(setup.folder.failed.clone(), setup.looks_after_failed && depth == 0),
            again: Again::default(),
            troubles: Troubles::new(),
            resting: HashMap::new(),
            next_scan: Instant::now(),
            blocked_until: None,
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// For what concerns it.
    pub(super) fn status(&self) -> &FolderStatus {
        &self.status
    }

    /// Does what there is to do, for some files.
    pub(super) fn turn(&mut self) {
        let now = Instant::now();
        if self.next_scan <= now {
            self.scan(now);
        }
        self.agenda.advance(now);
        if self.blocked_until.is_none_or(|until| until <= now) {
            self.blocked_until = None;
            self.take_files();
            self.commit();
        }
        if !self.agenda.is_busy() && self.blocked_until.is_none() {
            if self.leads() {
                self.judge_again();
            }
            self.put_aside();
        }
        if self.blocked_until.is_none() {
            self.status.fine(Area::Storage);
        }
        self.troubles.tell(&self.status);
    }

    /// Whether it looks after what concerns no folder: reports of the spool that are judged again.
    fn leads(&self) -> bool {
        self.depth == 0 && self.setup.folder.is_default()
    }

    fn stopping(&self) -> bool {
        self.setup.stopping.load(Ordering::Relaxed)
    }

    /// How long there is nothing to do.
    pub(super) fn pause(&self, now: Instant) -> Duration {
        let mut due = vec![now + TICK, self.next_scan];
        match self.blocked_until {
            Some(until) => due.push(until),
            None if self.agenda.is_busy() || self.again.is_busy() => return Duration::ZERO,
            None => {
                due.extend(self.agenda.next_due());
                due.extend(self.asides.next_due(now));
                due.push(self.incomplete.next_due(now));
            }
        }
        due.into_iter().min().map_or(TICK, |due| due.saturating_duration_since(now))
    }

    /// Something happened in the folder.
    pub(super) fn hear(&mut self, news: News) {
        let now = Instant::now();
        match news {
            News::Closed(name) if self.names.take(&name) => {
                self.agenda.memory(&name, now).history.closed();
                self.agenda.do_now(&name);
            }
            // On Linux its closing is heard as well; a file that was linked here has none.
            News::Appeared(name) if self.names.take(&name) => self.agenda.expect(&name, now + STABLE),
            News::Written(name) if self.names.take(&name) => {
                if cfg!(target_os = "linux") {
                    self.agenda.memory(&name, now).history.written();
                } else {
                    self.agenda.expect(&name, now);
                }
            }
            // It may be a folder, whose end nobody tells.
            News::Appeared(_) | News::Closed(_) if self.setup.folder.subfolders => {
                self.next_scan = self.next_scan.min(now + TICK);
            }
            News::Rescan => {
                self.next_scan = now;
                self.agenda.memories().for_each(|memory| memory.history.unheard());
            }
            _ => {}
        }
    }

    /// Opens the folder if it is not open, or another one by now; says whether it is the same still.
    fn open_folder(&mut self, now: Instant) -> io::Result<bool> {
        let means = Means {
            ears: &self.setup.ears,
            post: &self.post,
            look: self.setup.folder.look,
            status: &self.status,
        };
        if let Some(watched) = &mut self.watched
            && watched.is_still_there(means, now)?
        {
            return Ok(true);
        }
        self.watched = None;
        self.agenda.memories().for_each(|memory| memory.history.unheard());
        let folder = Folder::open(&self.path)?;
        self.setup.make_ends()?;
        self.watched = Some(Watched::new(folder, means, now)?);
        Ok(false)
    }

    /// Looks at every name in the folder; the oldest files come first.
    fn scan(&mut self, now: Instant) {
        let listed = self.open_folder(now).and_then(|same| match &self.watched {
            Some(watched) => watched.folder.list().map(|items| (same, items)),
            None => Ok((same, Vec::new())),
        });
        match listed {
            Ok((same, items)) => {
                self.status.fine(Area::Watch);
                self.is_there = true;
                self.next_scan = now + self.watched.as_ref().map_or(RETRY, Watched::pace);
                self.compare(&items, same);
            }
            Err(error) => {
                self.watched = None;
                self.is_there = error.kind() != io::ErrorKind::NotFound;
                self.children.clear();
                self.next_scan = now + RETRY;
                if self.depth > 0 && !self.is_there {
                    // Whoever removes a folder in the watch folder does not need to be told.
                    return;
                }
                let folder = self.path.display();
                self.status.problem(
                    Area::Watch,
                    format!("watch folder {folder}: {error}; {}", folder::advice(&error)),
                );
            }
        }
    }

    /// Compares what is there with what is known of it. `same` is whether the folder is the one that it
    /// was: only then a name that is not there says that the file is gone.
    fn compare(&mut self, items: &[Item], same: bool) {
        let Some(Watched { folder, .. }) = &self.watched else { return };
        let is_report = |item: &&Item| !item.is_folder && self.names.take(&item.name);
        let names: HashSet<&OsStr> =
            items.iter().filter(is_report).map(|item| item.name.as_os_str()).collect();
        if same {
            self.forget_leftovers(&names);
        }
        for name in self.agenda.keep_only(&names) {
            self.troubles.set(&name, None);
            self.untaken.incomplete(&name, false, &self.status);
            self.resting.remove(&name);
        }
        let mut found: Vec<(i64, &OsStr)> = Vec::new();
        for name in names {
            match folder.look(name) {
                Ok(Some(Kind::Plain(identity))) => {
                    let finding = self.agenda.known(name).and_then(|memory| memory.finding_of(&identity));
                    if !matches!(finding, Some(Finding::Aside)) {
                        found.push((identity.modified_ns, name));
                    }
                }
                Ok(None) => {}
                Ok(Some(Kind::Foreign(_))) | Err(_) => found.push((i64::MAX, name)),
            }
        }
        found.sort_unstable();
        for (_, name) in found {
            self.agenda.do_now(name);
        }
        let mut own = self.own_names();
        self.children.clear();
        if self.setup.folder.subfolders && self.depth < DEEPEST {
            let is_child =
                |item: &&Item| item.is_folder && !is_hidden(&item.name) && !own.contains(&item.name);
            self.children.extend(items.iter().filter(is_child).map(|item| item.name.clone()));
            own.extend(self.children.iter().cloned());
        }
        self.untaken.look(folder, items, &own, &self.status);
    }

    /// The folders of the service that lie in the watch folder.
    fn own_names(&self) -> Vec<OsString> {
        let own = self.setup.own.iter().filter_map(|path| path.strip_prefix(&self.path).ok());
        own.filter_map(|path| path.components().next().map(|first| first.as_os_str().to_owned())).collect()
    }

    /// Originals that somebody has taken away need not be remembered.
    fn forget_leftovers(&self, names: &HashSet<&OsStr>) {
        for (name, memory) in self.agenda.all() {
            if let Some((_, Finding::Leftover(leftover))) = &memory.finding
                && !names.contains(name)
                && let Err(error) = self.setup.queue.drop_leftover(&leftover.folder, &leftover.name)
            {
                tracing::debug!("{name:?} is gone but stays remembered: {error}");
            }
        }
    }

    fn take_files(&mut self) {
        while let Some(name) = self.agenda.take_next() {
            if self.stopping() {
                return;
            }
            self.setup.status.beat();
            let now = Instant::now();
            if let Some(until) = self.resting.get(&name) {
                if *until > now {
                    self.agenda.do_at(&name, *until);
                    continue;
                }
                self.resting.remove(&name);
            }
            let Some(watched) = &mut self.watched else { return };
            let mut taker = Taker {
                watch: &watched.folder,
                queue: &self.setup.queue,
                disposition: &self.setup.ends,
                settings: &self.setup.reports,
                rules: &self.setup.rules,
                max_bytes: self.setup.max_bytes,
                incomplete: self.setup.incomplete,
                honest: &mut watched.honest,
            };
            let outcome = taker.take(&name, self.agenda.memory(&name, now), &mut self.batch);
            self.conclude(&name, outcome, now);
            if self.batch.is_full(Instant::now()) || self.blocked_until.is_some() {
                return;
            }
        }
    }

    /// Draws the conclusions from a look at a file.
    fn conclude(&mut self, name: &OsStr, outcome: Outcome, now: Instant) {
        let file = self.path.join(name);
        let mut trouble = None;
        let waits = matches!(outcome, Outcome::Incomplete(_));
        self.untaken.incomplete(name, waits, &self.status);
        match outcome {
            Outcome::Claimed | Outcome::Known | Outcome::Gone => self.agenda.forget(name),
            Outcome::Later(time) => self.agenda.do_at(name, now + time),
            Outcome::Incomplete(time) => {
                tracing::debug!("{file:?}: the text ends too early; waiting for the rest of it");
                self.agenda.do_at(name, now + time);
            }
            Outcome::Foreign("a folder") => self.agenda.do_at(name, now + RESCAN),
            Outcome::Foreign(what) => {
                self.agenda.do_at(name, now + RESCAN);
                trouble =
                    Some(format!("is {what} and is not opened; put the report itself into the watch folder"));
            }
            Outcome::Unusable(identity, refusal) => {
                self.agenda.memory(name, now).finding = Some((identity, Finding::Aside));
                self.asides.push(name.to_owned(), identity, refusal);
            }
            Outcome::Unreadable(error) => {
                self.agenda.do_at(name, now + RETRY);
                trouble = Some(format!("cannot be read: {error}; {}", let_in(&error)));
            }
            Outcome::Immovable(what) => {
                self.agenda.do_at(name, now + RETRY);
                trouble = Some(what);
            }
            Outcome::Stays(error) => {
                self.agenda.do_at(name, now + RESCAN);
                trouble = Some(format!(
                    "its report was taken in, but the file cannot be removed: {error}; let the service's \
                     account remove files from the watch folder, or remove it yourself"
                ));
            }
            Outcome::Storage(what) => {
                self.status.problem(Area::Storage, what);
                self.agenda.do_at(name, now + DISK);
                // Nothing else will fare better.
                self.blocked_until = Some(now + DISK);
            }
        }
        self.troubles.set(name, trouble.map(|what| Trouble::new(&file, what)));
        self.tell_of_writers();
    }

    fn tell_of_writers(&self) {
        if self.watched.as_ref().is_some_and(|watched| watched.honest == Some(false)) {
            self.status.note(
                Topic::Writers,
                format!(
                    "watch folder {}: its file system does not tell whether a file is still being written (it \
                     refuses every lease); files are taken when they have not changed for a while. Let test systems \
                     write under another name and rename the finished file",
                    self.path.display()
                ),
            );
        } else {
            self.status.forget(Topic::Writers);
        }
    }

    /// Commits what was claimed.
    pub(super) fn commit(&mut self) {
        if self.batch.is_empty(Instant::now()) {
            return;
        }
        let watch = self.watched.as_ref().map(|watched| &watched.folder);
        let result = self.batch.commit(&self.setup.queue, watch);
        let now = Instant::now();
        for left in self.batch.left() {
            self.tell_of_left(left, now);
        }
        match result {
            Ok(committed) => {
                self.setup.queued.notify_one();
                for report in committed {
                    let file = self.path.join(&report.name);
                    let about = About::report_of(report.id, &report.name, &self.path);
                    tracing::info!(
                        report = about.report(),
                        file = about.file(),
                        folder = about.folder(),
                        "{file:?}: queued as {}",
                        report.id
                    );
                    self.troubles.set(&report.spool, None);
                    // A look at it finds what is left to do.
                    if report.stays.is_some() {
                        self.agenda.do_now(&report.name);
                    }
                }
            }
            Err(error) => {
                self.status.problem(Area::Storage, error.to_string());
                self.blocked_until = Some(Instant::now() + DISK);
            }
        }
    }

    /// A file left the batch: it is tried again, by itself.
    fn tell_of_left(&mut self, Left { name, spool, is_back, error }: Left, now: Instant) {
        let what = format!("cannot be written to the disk: {error}; {}", let_in(&error));
        if is_back {
            self.agenda.memory(&name, now);
            self.agenda.do_at(&name, now + RETRY);
            self.resting.insert(name.clone(), now + RETRY);
            self.troubles.set(&name, Some(Trouble::new(&self.path.join(&name), what)));
            self.troubles.set(&spool, None);
        } else {
            let waits = self.setup.queue.spool().path().join(&spool);
            self.troubles.set(&spool, Some(Trouble::new(&waits, what)));
        }
    }

    fn judge_again(&mut self) {
        let setup = again::Setup {
            queue: &self.setup.queue,
            settings: &self.setup.reports,
            rules: &self.setup.rules,
            watch: &self.path,
            incomplete: self.setup.incomplete,
        };
        let worked = self.again.work(setup, Instant::now());
        for (spool, trouble) in self.again.troubles() {
            let path = self.setup.queue.spool().path().join(&spool);
            self.troubles.set(&spool, trouble.map(|what| Trouble::new(&path, what)));
        }
        for entry in self.again.lost() {
            self.status.whole().lost(entry.lost(), About::entry(&entry));
        }
        match worked {
            Ok(0) => {}
            Ok(judged) => {
                tracing::info!("{judged} reports of the spool were judged again");
                self.setup.queued.notify_one();
            }
            Err(error) => {
                self.status.problem(Area::Storage, format!("the queue cannot be written: {error}"));
                self.blocked_until = Some(Instant::now() + DISK);
            }
        }
    }

    /// Moves unusable files away, and takes back those that were changed there.
    fn put_aside(&mut self) {
        let Some(Watched { folder, .. }) = &self.watched else { return };
        let now = Instant::now();
        match self.incomplete.work(folder, now) {
            Ok(returned) => {
                for name in returned {
                    tracing::info!(
                        "{:?}: was changed and is taken again",
                        self.setup.folder.failed.join(name)
                    );
                }
            }
            Err(error) => {
                tracing::debug!("{}: cannot be looked at: {error}", self.setup.folder.failed.display());
            }
        }
        for result in self.asides.work(folder, &self.setup.ends, now) {
            match result {
                PutAside::Done(name, new, refusal) => {
                    let file = self.path.join(&name);
                    let incident = format!("{file:?}: moved to the failed folder: {}", refusal.reason);
                    self.status.incident(incident, About::file_in(&name, &self.path));
                    self.status.whole().observed().ended(Ended {
                        time: Timestamp::now(),
                        file: name.to_string_lossy().into_owned(),
                        refused: Some(Refused {
                            reason: refusal.reason.clone(),
                            what_to_do: refusal.what_to_do.to_owned(),
                        }),
                        ..Ended::default()
                    });
                    if let Err(error) = self.setup.queue.count_refused() {
                        tracing::debug!("a refused file is not counted: {error}");
                    }
                    if let Some(sha256) = refusal.incomplete {
                        self.incomplete.remember(new, &sha256);
                    }
                    self.agenda.forget(&name);
                    self.troubles.set(&name, None);
                }
                PutAside::Changed(name) => {
                    self.agenda.memory(&name, now).finding = None;
                    self.agenda.do_now(&name);
                }
                PutAside::Stuck(name, error) => {
                    let file = self.path.join(&name);
                    let what = format!("unusable, but stays: {error}");
                    self.troubles.set(&name, Some(Trouble::new(&file, what)));
                }
            }
        }
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}
