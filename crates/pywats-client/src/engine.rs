//! The pipeline of one configuration: queue, intake and upload, started and stopped together.

use crate::config::Config;
use crate::config::folders::{self, Folders};
use crate::config::watch_folders::WatchFolder;
use crate::control::desk;
use crate::disposition::Routes;
use crate::folder::{self, Folder};
use crate::intake::{self, watch::Ears};
use crate::keeper;
use crate::queue::{self, OpenError, Queue};
use crate::status::{About, Status, Topic};
use crate::upload;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// Why the pipeline cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder is missing and cannot be made, or cannot be used.
    #[error("folder {}: {error}; {}", path.display(), folder::advice(error))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Folders that were told apart by their names are the same after all.
    #[error("{0}")]
    Folders(String),
    /// The queue cannot be opened.
    #[error(transparent)]
    Queue(#[from] OpenError),
    /// The queue fails.
    #[error(transparent)]
    Database(#[from] queue::Error),
    /// The system gives no thread.
    #[error("the system gives no thread: {0}")]
    Thread(io::Error),
    /// It panicked.
    #[error("starting ended unexpectedly")]
    Panicked,
}

/// How a pipeline ended without having been asked to.
#[derive(Debug, thiserror::Error)]
pub enum Collapse {
    /// The database is damaged; a new start puts it aside.
    #[error("{0}")]
    Damaged(queue::Error),
    /// A worker panicked.
    #[error("the {0} worker ended unexpectedly")]
    Worker(&'static str),
}

/// A running pipeline.
pub struct Engine {
    stop: watch::Sender<bool>,
    intakes: Intakes,
    upload: JoinHandle<Result<(), queue::Error>>,
    stop_keeper: keeper::Stopper,
    keeper: thread::JoinHandle<()>,
    queue: Arc<Queue>,
    queued: Arc<Notify>,
    ends: Arc<Routes>,
}

impl Engine {
    /// Makes the folders, opens the queue and starts watching and uploading.
    ///
    /// # Errors
    /// If anything of that fails; nothing is left running then.
    pub fn start(
        config: &Config,
        status: &Arc<Status>,
        link: watch::Receiver<upload::Link>,
    ) -> Result<Engine, StartError> {
        let (watched, done, failed) = (config.watch_folder(), config.done_folder(), config.failed_folder());
        for folder in [&config.client.data_dir, &watched, &done, &failed] {
            usable(folder)?;
        }
        // Only now these exist, and their server has answered. The others may be on one that does not.
        let clashes = folders::clashes_soon(Folders::of(config, Path::new("")));
        if !clashes.is_empty() {
            return Err(StartError::Folders(clashes.join("; ")));
        }
        let opened = queue::open(&config.client.data_dir)?;
        if let Some((aside, reason)) = opened.put_aside {
            status.incident(format!(
                "the database of the queue was damaged ({reason}) and is made again from the {} files in the \
                 spool; the old one is kept as {}",
                opened.found,
                aside.display()
            ));
        }
        if opened.is_new && opened.found > 0 {
            status.note(
                Topic::NewQueue,
                format!(
                    "queue.db is new, the one before was lost: {} reports were found in the spool and are sent under \
                     the same identifiers; which identifiers were used before is not known",
                    opened.found
                ),
            );
        }
        tell_of_foreign(status, &config.client.data_dir.join(queue::spool::FOLDER), &opened.foreign);
        if opened.mended > 0 {
            status.incident(format!(
                "{} rows in the database of the queue were damaged; their reports are taken from the spool again, \
                 under the same identifiers. Check the disk of the data folder",
                opened.mended
            ));
        }
        if opened.old > 0 {
            tracing::info!("{} reports that the previous version has queued are delivered first", opened.old);
        }
        for folder in [&done, &failed] {
            // The lock of the queue says that nobody else is writing there.
            let swept = Folder::open(folder).and_then(|open| open.sweep());
            swept.map_err(|error| StartError::Folder { path: folder.clone(), error })?;
        }
        let queue = Arc::new(opened.queue);
        status.observed().queue_is(Arc::downgrade(&queue));
        let ends = Arc::new(Routes::new(config));
        for entry in queue.account_for(opened.missing, &*ends)? {
            let what = format!(
                "report {} ({:?}): its file is neither in the spool nor where finished files lie: somebody removed \
                 it, perhaps after it was delivered just before a power cut; look for it on the server",
                entry.id, entry.name
            );
            status.lost(what, About::entry(&entry));
        }
        status.lies_in_failed(ends.census());
        let queued = Arc::new(Notify::new());
        let watch_folders = config.watch_folders();
        status.watches(watch_folders.clone());
        queue.prefer(&watch_folders);
        let mut intakes = Intakes::default();
        intakes.start(config, watch_folders, &queue, &ends, status, &queued)?;
        let (stop_keeper, life) = keeper::prepare(keeper::Setup {
            queue: Arc::clone(&queue),
            ends: Arc::clone(&ends),
            status: Arc::clone(status),
            retention: config.retention,
        });
        let keeper =
            thread::Builder::new().name("keeper".to_owned()).spawn(life).map_err(StartError::Thread)?;
        let (stop, stopped) = watch::channel(false);
        let upload = tokio::spawn(upload::worker::run(upload::worker::Setup {
            store: Arc::clone(&queue),
            status: Arc::clone(status),
            queued: Arc::clone(&queued),
            link,
            stop: stopped,
            tick: upload::worker::TICK,
        }));
        Ok(Engine { stop, intakes, upload, stop_keeper, keeper, queue, queued, ends })
    }

    /// Returns when a worker has ended although nobody asked it to.
    pub async fn collapsed(&mut self) -> Collapse {
        loop {
            tokio::select! {
                ended = &mut self.upload => {
                    return match ended {
                        Ok(Err(error)) => Collapse::Damaged(error),
                        Ok(Ok(())) | Err(_) => Collapse::Worker("upload"),
                    };
                }
                () = tokio::time::sleep(Duration::from_millis(500)) => {
                    if let Some(damage) = self.queue.damage() {
                        return Collapse::Damaged(damage);
                    }
                    if self.intakes.threads.iter().any(|(_, thread)| thread.is_finished()) {
                        return Collapse::Worker("intake");
                    }
                }
            }
        }
    }

    /// The queue, for who answers questions about it.
    pub fn open(&self) -> desk::Open {
        desk::Open {
            queue: Arc::downgrade(&self.queue),
            queued: Arc::clone(&self.queued),
            ends: Arc::downgrade(&self.ends),
        }
    }

    /// How many reports are still queued; unknown if the database cannot be read.
    pub fn pending(&self) -> Option<u64> {
        Some(self.queue.counts().waiting)
    }

    /// Stops taking and uploading, and closes the queue. Takes a few seconds at most: an upload that
    /// is not answered by then is abandoned, and sent again by the next service.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let intake = self.intakes.end();
        let upload = async { if self.upload.is_finished() { None } else { Some(self.upload.await) } };
        let (intake, upload) = tokio::join!(intake, upload);
        // A batch of what was decided last is still moved; the rest is after the next start.
        self.stop_keeper.stop();
        let keeper = tokio::task::spawn_blocking(move || self.keeper.join().is_err()).await;
        // Whoever hangs in a folder must not keep the next pipeline from the queue.
        let queue = self.queue;
        let closed = tokio::task::spawn_blocking(move || queue.close()).await;
        if intake || closed.is_err() || matches!(upload, Some(Err(_))) || keeper.unwrap_or(true) {
            tracing::error!("a worker ended unexpectedly");
        }
    }
}

/// The workers of the watch folders. Those that were started are asked to end with this.
#[derive(Default)]
struct Intakes {
    threads: Vec<(intake::worker::Stopper, thread::JoinHandle<()>)>,
}

impl Intakes {
    fn start(
        &mut self,
        config: &Config,
        folders: Vec<WatchFolder>,
        queue: &Arc<Queue>,
        ends: &Routes,
        status: &Arc<Status>,
        queued: &Arc<Notify>,
    ) -> Result<(), StartError> {
        let mut own = vec![config.client.data_dir.clone()];
        own.extend(folders.iter().flat_map(|f| [f.done.clone(), f.failed.clone(), f.archive.clone()]));
        let ears = Ears::default();
        let mut failed: Vec<PathBuf> = Vec::new();
        for folder in folders {
            tracing::info!("watching {}", folder.path.display());
            let looks_after_failed = !failed.contains(&folder.failed);
            failed.push(folder.failed.clone());
            let name = format!("intake {}", folder.name);
            let (stopper, life) = intake::worker::prepare(intake::worker::Setup {
                own: own.clone(),
                incomplete: config.client.incomplete,
                reports: config.reports.clone(),
                max_bytes: config.client.max_report_bytes,
                rules: config.rules(),
                queue: Arc::clone(queue),
                ends: Arc::clone(ends.shared(&folder.path)),
                looks_after_failed,
                ears: ears.clone(),
                status: status.of_folder(&folder.name),
                queued: Arc::clone(queued),
                stopping: Arc::default(),
                folder,
            });
            let thread = thread::Builder::new().name(name).spawn(life).map_err(StartError::Thread)?;
            self.threads.push((stopper, thread));
        }
        Ok(())
    }

    /// Waits until all have ended, but not long for those that hang in a folder whose server does not answer; says
    /// whether one of them panicked.
    async fn end(mut self) -> bool {
        const PATIENCE: Duration = Duration::from_secs(10);
        self.threads.iter().for_each(|(stopper, _)| stopper.stop());
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut panicked = false;
        for (_, thread) in std::mem::take(&mut self.threads) {
            while !thread.is_finished() && tokio::time::Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            if thread.is_finished() {
                panicked |= thread.join().is_err();
            } else {
                let name = thread.thread().name().unwrap_or_default().to_owned();
                tracing::warn!("{name}: hangs in its folder and is left behind; nothing is lost");
            }
        }
        panicked
    }
}

impl Drop for Intakes {
    fn drop(&mut self) {
        self.threads.iter().for_each(|(stopper, _)| stopper.stop());
    }
}

/// What lies in the spool and is not the service's: nobody sends it.
fn tell_of_foreign(status: &Status, spool: &Path, foreign: &[OsString]) {
    let Some(first) = foreign.first() else { return status.forget(Topic::Spool) };
    let others = match foreign.len() {
        1 => String::new(),
        all => format!(" (and {} more)", all - 1),
    };
    status.note(
        Topic::Spool,
        format!(
            "{:?}{others}: not the service's, and not sent; put a report that was renamed into the watch folder, and \
             remove what does not belong into the spool",
            spool.join(first)
        ),
    );
}

/// Makes a folder if it is missing, and makes sure that it is one.
fn usable(path: &Path) -> Result<(), StartError> {
    let error = |error| StartError::Folder { path: path.to_path_buf(), error };
    if !path.exists() {
        Folder::create_all(path).map_err(error)?;
    }
    Folder::open(path).map(drop).map_err(error)
}
