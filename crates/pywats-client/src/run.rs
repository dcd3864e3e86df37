//! The life of the service: start the pipeline, follow the configuration, answer the operating system,
//! stop cleanly.
//!
//! A change of the server's settings is handed to the running upload; a change of folders restarts the
//! pipeline within the process; whatever fails is tried again. Only a stop request ends the service,
//! or, at the start, another service on the same data folder.

use crate::config::watch::{Follower, News as ConfigNews};
use crate::config::{Config, FileState, Loaded, Origin, Sources};
use crate::control::desk::{Desk, Details};
use crate::control::server;
use crate::engine::{Collapse, Engine, StartError};
use crate::exit::Exit;
use crate::health;
use crate::logging::Levels;
use crate::queue::OpenError;
use crate::server_view::Teller;
use crate::service::{News, Request, Requests, tell, watchdog};
use crate::status::{Area, Phase, Status, Topic};
use crate::upload;
use crate::upload::Link;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// How often a pipeline that cannot start is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// How long is waited for a pipeline to stop, and for one that starts before it can be stopped.
const STOP: Duration = Duration::from_secs(10);
/// How long it may take until the service has ended, once it was asked to.
pub const STOPPING: Duration = Duration::from_secs(2 * STOP.as_secs() + 5);

/// Runs the service until it is told to stop.
pub fn run(sources: Sources, levels: Levels) -> Exit {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("the system does not give what the service needs: {error}");
            return Exit::StartFailed;
        }
    };
    let exit = runtime.block_on(async {
        match Service::new(sources, levels) {
            Ok(service) => service.live().await,
            Err(error) => {
                tracing::error!("signals cannot be received: {error}");
                Exit::StartFailed
            }
        }
    });
    // Threads that are still there when Windows hears of the end keep the program's file in use for an installer. What
    // hangs in the kernel (a dead network drive) must not keep the process from ending.
    runtime.shutdown_timeout(Duration::from_secs(2));
    exit
}

struct Service {
    requests: Requests,
    levels: Levels,
    status: Arc<Status>,
    follower: Follower,
    link: watch::Sender<Link>,
    health: Option<JoinHandle<()>>,
    /// Answers the command line, at the doors of the data folder in force.
    desk: Arc<Desk>,
    doors: Option<JoinHandle<()>>,
    /// Who tells the server how this station is.
    teller: Option<(Arc<Teller>, JoinHandle<()>)>,
    engine: Option<Engine>,
    /// An engine that was still starting when a stop was asked for.
    starting: Option<JoinHandle<Result<Engine, StartError>>>,
    ever_started: bool,
    /// Whether somebody asked for a reload while an engine was starting.
    reload_asked: bool,
}

impl Service {
    fn new(sources: Sources, levels: Levels) -> std::io::Result<Self> {
        let requests = Requests::listen()?;
        let follower = Follower::new(sources);
        let status = Arc::new(Status::new());
        let current = follower.current();
        let (link, _) = watch::channel(link(current, &status));
        let try_all = {
            let link = link.clone();
            Box::new(move || link.send_modify(|_| {}))
        };
        let desk = Desk::of_service(current.config.clone(), details(&status, current), try_all);
        Ok(Service {
            requests,
            levels,
            status,
            follower,
            link,
            health: None,
            desk: Arc::new(desk),
            doors: None,
            teller: None,
            engine: None,
            starting: None,
            ever_started: false,
            reload_asked: false,
        })
    }

    async fn live(mut self) -> Exit {
        let loaded = self.follower.current().clone();
        self.follow_logging(&loaded.config);
        tracing::info!("pywats-client {}", env!("CARGO_PKG_VERSION"));
        self.tell_about(&loaded);
        self.start_health(&loaded.config);
        self.open_doors(&loaded.config).await;
        self.tell_server(&loaded.config);
        let reporter = tokio::spawn(report(Arc::clone(&self.status)));
        let exit = loop {
            if self.engine.is_none() {
                match self.start().await {
                    Start::Done | Start::Later => {}
                    Start::CalledOff => break Exit::Ok,
                    Start::Impossible => break Exit::StartFailed,
                }
            }
            if self.next().await == Next::Stop {
                break Exit::Ok;
            }
        };
        self.stop().await;
        self.close_doors().await;
        reporter.abort();
        exit
    }

    /// Waits for one thing to happen and deals with it.
    async fn next(&mut self) -> Next {
        if std::mem::take(&mut self.reload_asked) {
            self.reload().await;
            return Next::GoOn;
        }
        let idle = self.engine.is_none();
        let collapsed = async {
            match &mut self.engine {
                Some(engine) => engine.collapsed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            request = self.requests.next() => match request {
                Request::Stop => return Next::Stop,
                Request::Reload => self.reload().await,
            },
            () = self.follower.touched() => self.look().await,
            collapse = collapsed => self.collapse(&collapse).await,
            // There is no pipeline.
            () = tokio::time::sleep(RETRY), if idle => {}
        }
        Next::GoOn
    }

    /// Starts the pipeline. Where a folder is on a server that does not answer, that takes long, and whoever asks for
    /// a stop in the meantime is heard.
    async fn start(&mut self) -> Start {
        let config = self.follower.current().config.clone();
        let (status, link) = (Arc::clone(&self.status), self.link.subscribe());
        let mut starting = spawn_blocking(move || Engine::start(&config, &status, link));
        let started = tokio::select! {
            started = &mut starting => started.unwrap_or(Err(StartError::Panicked)),
            () = stop_asked(&mut self.requests, &mut self.reload_asked) => {
                self.starting = Some(starting);
                return Start::CalledOff;
            }
        };
        match started {
            Ok(engine) => {
                self.desk.open(engine.open());
                self.engine = Some(engine);
                self.ever_started = true;
                self.status.fine(Area::Storage);
                self.status.enter(Phase::Running);
                tell(News::Started);
                Start::Done
            }
            Err(StartError::Queue(error @ OpenError::Locked(_))) if !self.ever_started => {
                tracing::error!("{error}");
                Start::Impossible
            }
            Err(error) => {
                self.status.problem(Area::Storage, error.to_string());
                // What keeps it is said, and it goes on by itself: whoever starts the service, as a package manager
                // does, need not wait for that.
                tell(News::Started);
                Start::Later
            }
        }
    }

    async fn stop_engine(&mut self) {
        self.desk.close();
        if let Some(starting) = self.starting.take() {
            match timeout(STOP, starting).await {
                Ok(started) => self.engine = started.ok().and_then(Result::ok),
                Err(_) => left_behind(),
            }
        }
        if let Some(engine) = self.engine.take()
            && timeout(STOP, engine.stop()).await.is_err()
        {
            left_behind();
        }
    }

    async fn stop(&mut self) {
        tracing::info!("stopping");
        self.status.enter(Phase::StopPending);
        tell(News::Stopping);
        let teller = self.teller.take();
        let end = async {
            if let Some((teller, life)) = teller {
                life.abort();
                teller.end().await;
            }
        };
        tokio::join!(self.stop_engine(), end);
        tracing::info!("stopped");
    }

    async fn collapse(&mut self, collapse: &Collapse) {
        self.status.problem(Area::Storage, format!("{collapse}; starting anew"));
        self.stop_engine().await;
    }

    /// Somebody asked for it: read the configuration, and try the server at once.
    async fn reload(&mut self) {
        tell(News::Reloading);
        tracing::info!("reading the configuration again");
        self.look().await;
        self.link.send_replace(link(self.follower.current(), &self.status));
        // Without a pipeline, the next attempt to start it says so.
        if self.engine.is_some() {
            tell(News::Started);
        }
    }

    /// Reads the configuration and applies what has changed.
    async fn look(&mut self) {
        let old = self.follower.current().config.clone();
        match self.follower.look() {
            ConfigNews::Nothing => {}
            ConfigNews::Broken(errors) => self.status.problem(
                Area::Configuration,
                format!("{}; the last usable settings stay in force", errors.join("; ")),
            ),
            ConfigNews::Changed => {
                let loaded = self.follower.current().clone();
                self.tell_about(&loaded);
                self.apply(&old, &loaded).await;
            }
        }
    }

    async fn apply(&mut self, old: &Config, loaded: &Loaded) {
        let new = &loaded.config;
        self.follow_logging(new);
        let shown = |c: &Config| (c.health.clone(), c.client.data_dir.clone(), c.station.name.clone());
        if shown(new) != shown(old) {
            self.start_health(new);
        }
        self.desk.configure(new.clone(), details(&self.status, loaded));
        if new.client.data_dir != old.client.data_dir {
            self.open_doors(new).await;
        }
        let of_pipeline = |c: &Config| {
            (c.client.clone(), c.folders.clone(), c.station.clone(), c.reports.clone(), c.retention)
        };
        if of_pipeline(new) != of_pipeline(old) {
            tracing::info!("folders or limits have changed: starting the pipeline anew");
            let left = self.engine.as_ref().and_then(Engine::pending).unwrap_or(0);
            if new.client.data_dir != old.client.data_dir && left > 0 {
                self.status.incident(format!(
                    "{left} reports stay in the queue of {}; configure it again to upload them",
                    old.client.data_dir.display()
                ));
            }
            self.stop_engine().await;
        }
        self.link.send_replace(link(loaded, &self.status));
        if (&new.server, &new.station, &new.folders) != (&old.server, &old.station, &old.folders) {
            self.tell_server(new);
        }
    }

    /// A service without its log file still does its work and says so.
    fn follow_logging(&self, config: &Config) {
        match self.levels.follow(&config.logging) {
            Ok(()) => self.status.forget(Topic::Log),
            Err(error) => self.status.note(Topic::Log, error),
        }
    }

    fn tell_about(&self, loaded: &Loaded) {
        match loaded.file {
            FileState::Missing => tracing::info!("no configuration file {}", loaded.path.display()),
            FileState::Read if loaded.errors.is_empty() => {
                tracing::info!("configuration {} is in force", loaded.path.display());
            }
            FileState::Read | FileState::Broken => {}
        }
        let enforced = loaded.settings_of(Origin::Policy);
        if !enforced.is_empty() {
            tracing::info!("set by policy: {}", enforced.join(", "));
        }
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        if loaded.errors.is_empty() {
            self.status.fine(Area::Configuration);
        } else {
            self.status.problem(Area::Configuration, loaded.errors.join("; "));
        }
    }

    fn tell_server(&mut self, config: &Config) {
        if let Some((_, life)) = self.teller.take() {
            life.abort();
        }
        let teller = Teller::new(config, &self.status, self.link.subscribe()).map(Arc::new);
        self.teller = teller.map(|teller| (Arc::clone(&teller), tokio::spawn(teller.live())));
    }

    fn start_health(&mut self, config: &Config) {
        if let Some(health) = self.health.take() {
            health.abort();
        }
        self.status.fine(Area::Health);
        if config.health.port == 0 {
            tracing::info!("health endpoints are off");
            return;
        }
        let view = health::View::of(&self.status, self.follower.current());
        self.health = Some(tokio::spawn(health::serve(config.health.clone(), view)));
    }
}

impl Service {
    /// Opens the doors for the command line, in place of those that are open. They stay open while the pipeline is
    /// started anew.
    async fn open_doors(&mut self, config: &Config) {
        self.close_doors().await;
        let (data_dir, desk) = (config.client.data_dir.clone(), Arc::clone(&self.desk));
        let status = Arc::clone(&self.status);
        self.doors = Some(tokio::spawn(async move { server::serve(&data_dir, desk, status).await }));
    }

    async fn close_doors(&mut self) {
        if let Some(doors) = self.doors.take() {
            doors.abort();
            // Its sockets are removed by then.
            drop(doors.await);
        }
    }
}

/// Describes the running service to the command line.
fn details(status: &Arc<Status>, loaded: &Loaded) -> Details {
    let view = health::View::of(status, loaded);
    Box::new(move || health::details_json(&view, health::Audience::Here))
}

#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    Stop,
}

#[derive(PartialEq, Eq)]
enum Start {
    Done,
    Later,
    CalledOff,
    Impossible,
}

/// Waits until somebody asks for a stop, and notes whether one for a reload came before.
async fn stop_asked(requests: &mut Requests, reload_asked: &mut bool) {
    while requests.next().await == Request::Reload {
        *reload_asked = true;
    }
}

fn left_behind() {
    tracing::warn!("something hangs and is left behind; nothing is lost");
}

/// The way to the server that a configuration describes.
fn link(loaded: &Loaded, status: &Arc<Status>) -> Link {
    let client = match upload::client(&loaded.config) {
        Ok(Some(client)) => Ok(client.seen_by(Arc::clone(status) as Arc<dyn wats::Witness>)),
        Ok(None) => Err(loaded.missing.join("; ")),
        Err(failure) => Err(failure.to_string()),
    };
    upload::link(client, &loaded.config.upload)
}

/// Tells the service manager how it is going: that the workers are alive, and in words.
async fn report(status: Arc<Status>) {
    const TICK: Duration = Duration::from_secs(1);
    let limit = watchdog();
    let pause = limit.map_or(TICK, |limit| (limit / 2).min(TICK));
    let mut told = String::new();
    let mut hung = None;
    loop {
        if let Some(limit) = limit {
            let was_hung = std::mem::replace(&mut hung, status.hung(limit));
            match hung {
                None => tell(News::Alive),
                Some(_) if hung == was_hung => {}
                Some(worker) => status.incident(format!("the {worker:?} worker hangs").to_lowercase()),
            }
        }
        let line = match status.not_ready() {
            None => format!("ready; {} reports pending", status.counts().pending),
            Some(reason) => format!("not ready: {}; {} reports pending", reason, status.counts().pending),
        };
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if line != told {
            tell(News::Status(&line));
            told = line;
        }
        tokio::time::sleep(pause).await;
    }
}
