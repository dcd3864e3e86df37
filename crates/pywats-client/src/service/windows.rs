//! The Windows service manager: the process hands its main thread over to it, gets a thread for the
//! service in return, and reports every step. Without the manager, Ctrl-C stops the program.

use super::event_log::EventLog;
use super::lifecycle::{Lifecycle, State};
use super::{News, Request};
use crate::config::{Config, Sources};
use crate::exit::Exit;
use crate::logging;
use crate::run;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};
use windows_service::{define_windows_service, service_dispatcher};

/// The name that installers give the service.
pub const NAME: &str = "pywats-client";

/// What the service lets the manager ask for.
const ACCEPTED: ServiceControlAccept = ServiceControlAccept::STOP
    .union(ServiceControlAccept::SHUTDOWN)
    .union(ServiceControlAccept::PRESHUTDOWN)
    .union(ServiceControlAccept::PARAM_CHANGE);

/// What the command line said; the manager calls the service without it.
static CONFIG: OnceLock<Option<PathBuf>> = OnceLock::new();
/// The manager, once it has called.
static MANAGER: OnceLock<ServiceStatusHandle> = OnceLock::new();
/// Requests of the manager, until [`Requests::listen`] takes them.
static REQUESTS: Mutex<Option<mpsc::UnboundedReceiver<Request>>> = Mutex::new(None);
/// What the manager has been told.
static LIFECYCLE: Mutex<Lifecycle> = Mutex::new(Lifecycle::new());

define_windows_service!(ffi_service_main, service_main);

/// Runs as a service; returns when it has ended.
///
/// # Errors
/// If the process was not started by the service manager.
pub fn run_service(config: Option<PathBuf>) -> Result<(), windows_service::Error> {
    // Set once: a process is one service.
    let _ = CONFIG.set(config);
    service_dispatcher::start(NAME, ffi_service_main)
}

fn service_main(_arguments: Vec<OsString>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    *REQUESTS.lock().unwrap_or_else(PoisonError::into_inner) = Some(receiver);
    let handler = move |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown | ServiceControl::Preshutdown => {
            // Here, because the service may be busy for a while.
            report(State::StopPending, Exit::Ok);
            // Nobody listens any more if the service is ending already.
            let _ = sender.send(Request::Stop);
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::ParamChange => {
            let _ = sender.send(Request::Reload);
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    // Without a handle there is nobody to tell that there is none.
    let Ok(manager) = service_control_handler::register(NAME, handler) else { return };
    let _ = MANAGER.set(manager);
    // At once: what follows may wait long for folders on a server that does not answer, and installers take a service
    // that is slow to start for one that fails. Health says what is missing.
    report(State::Running, Exit::Ok);
    let sources = Sources::new(CONFIG.get().cloned().flatten());
    let levels = begin_log(&sources.load().config);
    let exit = run::run(sources, levels);
    report(State::Stopped, exit);
    // At once: an installer that hears this replaces or removes the program, and cannot while the process is there.
    std::process::exit(i32::from(exit.code()));
}

fn begin_log(config: &Config) -> logging::Levels {
    logging::of_service(config.logging.level, logging::file_of_service(config), EventLog::open(NAME))
}

fn report(state: State, exit: Exit) {
    let Some(manager) = MANAGER.get() else { return };
    // Held until the manager has heard it, so that no other thread is heard in between.
    let mut lifecycle = LIFECYCLE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(checkpoint) = lifecycle.enter(state) else { return };
    let nothing = ServiceControlAccept::empty();
    let (current_state, wait_hint, controls_accepted) = match state {
        State::Running => (ServiceState::Running, Duration::ZERO, ACCEPTED),
        State::StopPending => (ServiceState::StopPending, run::STOPPING, nothing),
        State::Stopped => (ServiceState::Stopped, Duration::ZERO, nothing),
    };
    let exit_code = match exit {
        Exit::Ok => ServiceExitCode::NO_ERROR,
        exit => ServiceExitCode::ServiceSpecific(u32::from(exit.code())),
    };
    let status = ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state,
        controls_accepted,
        exit_code,
        checkpoint,
        wait_hint,
        process_id: None,
    };
    if let Err(error) = manager.set_service_status(status) {
        tracing::debug!("the service manager cannot be told: {error}");
    }
}

/// Requests of the service manager, or Ctrl-C where there is none.
#[derive(Debug)]
pub struct Requests {
    manager: Option<mpsc::UnboundedReceiver<Request>>,
}

impl Requests {
    /// Begins to listen.
    ///
    /// # Errors
    /// Never; other systems may refuse.
    pub fn listen() -> io::Result<Self> {
        Ok(Requests { manager: REQUESTS.lock().unwrap_or_else(PoisonError::into_inner).take() })
    }

    /// Waits for the next request.
    pub async fn next(&mut self) -> Request {
        match &mut self.manager {
            Some(manager) => manager.recv().await.unwrap_or(Request::Stop),
            None => match tokio::signal::ctrl_c().await {
                Ok(()) => Request::Stop,
                // Without a console nobody can ask.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

/// Tells the service manager.
pub fn tell(news: News<'_>) {
    match news {
        News::Stopping => report(State::StopPending, Exit::Ok),
        // It has heard that the service runs; health says whether reports are taken.
        News::Started | News::Reloading | News::Status(_) | News::Alive => {}
    }
}
