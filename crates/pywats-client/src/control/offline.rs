//! Answers while the service is down, by the same code: takes the queue's lock as the account of the service, so that
//! no file there ever belongs to root.

use super::desk::Desk;
use super::{Reply, Request, Role, sending};
use crate::account;
use crate::config::{Config, Loaded};
use crate::folder::{Folder, Moved};
use crate::queue::{self, OpenError, Opened, Queue};
use hyper::StatusCode;
use serde_json::{Value, json};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use wats::Report;

/// Why nothing can be said while the service is down.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// There is no data yet.
    #[error("the service is not running, and has not run yet: there is no {}", .0.display())]
    NoData(PathBuf),
    /// Only some may look.
    #[error("the service is not running, and this account may not use {}", .0.display())]
    NotAllowed(PathBuf),
    /// A service runs after all.
    #[error("the service runs, but nobody answers at its sockets or pipes")]
    Runs(OpenError),
    /// The queue cannot be opened.
    #[error("the service is not running, and its queue cannot be opened: {0}")]
    Queue(OpenError),
    /// The account cannot be become.
    #[error("the service is not running, and its folder {} cannot be used: {error}", path.display())]
    Account {
        /// The data folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// Answers a request while the service is down. Call it before a thread is started. `tell` is told what was found out
/// about the queue when it was opened.
///
/// # Errors
/// If the queue cannot be opened, or a service runs.
pub fn answer(loaded: &Loaded, request: &Request, tell: impl FnMut(&str)) -> Result<Reply, OfflineError> {
    let config = &loaded.config;
    let queue = Arc::new(open(config, tell)?);
    let (of_queue, path) = (Arc::clone(&queue), loaded.path.clone());
    let details = Box::new(move || details(&of_queue, &path.to_string_lossy()));
    let desk = Desk::offline(config.clone(), details, &queue);
    Ok(desk.answer(Role::Administrator, request))
}

fn become_account(config: &Config) -> Result<(), OfflineError> {
    let path = config.client.data_dir.clone();
    account::become_owner(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => OfflineError::NoData(path),
        _ => OfflineError::Account { path, error },
    })
}

fn open(config: &Config, mut tell: impl FnMut(&str)) -> Result<Queue, OfflineError> {
    become_account(config)?;
    let path = &config.client.data_dir;
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OfflineError::NoData(path.clone()));
        }
        _ if !may_look(path) => return Err(OfflineError::NotAllowed(path.clone())),
        _ => {}
    }
    let Opened { queue, put_aside, mended, .. } = queue::open(path).map_err(|error| match error {
        OpenError::Locked(_) => OfflineError::Runs(error),
        other => OfflineError::Queue(other),
    })?;
    if let Some((aside, reason)) = put_aside {
        tell(&format!(
            "the database of the queue was damaged ({reason}) and was made again from the spool; the old one is kept \
             as {}",
            aside.display()
        ));
    }
    if mended > 0 {
        tell(&format!(
            "{mended} rows of the queue were damaged; their reports are taken from the spool. Check the disk of the \
             data folder"
        ));
    }
    Ok(queue)
}

/// Whoever may not is told so before anything is made.
#[cfg(unix)]
fn may_look(path: &std::path::Path) -> bool {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    accessat(CWD, path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).is_ok()
}

#[cfg(windows)]
fn may_look(path: &std::path::Path) -> bool {
    std::fs::read_dir(path).is_ok()
}

/// What is known of a service that is down; in the shape of the running one's.
fn details(queue: &Queue, config_path: &str) -> Value {
    let counts = queue.counts();
    json!({
        "healthy": false,
        "status": "not running",
        "reason": "the service is not running",
        "timestamp": crate::status::utc(jiff::Timestamp::now()),
        "details": {
            "version": env!("CARGO_PKG_VERSION"),
            "service_status": "Stopped",
            "api_status": "Offline",
            "pending_count": counts.waiting,
            "parked_count": counts.parked,
            "delivered_count": counts.delivered,
            "failed_count": counts.failed,
            "lost_count": counts.lost,
            "problems": {},
            "notes": {},
            "config_path": config_path,
        },
    })
}

/// Puts a report into the default watch folder, where the service finds it when it runs; refuses what is none.
///
/// # Errors
/// If the folder cannot be used.
pub fn send(config: &Config, name: &str, bytes: &[u8]) -> Result<Reply, OfflineError> {
    become_account(config)?;
    let rules = config.rules();
    let size = bytes.len() as u64;
    if size > config.client.max_report_bytes {
        return Ok(sending::too_large(config.client.max_report_bytes));
    }
    if let Err(error) = Report::parse(bytes, &rules) {
        let reason = format!("not a WSJF report: {error}");
        let what_to_do = "Correct the report, or the test system that writes it, then send it again.";
        return Ok(Reply::error(StatusCode::UNPROCESSABLE_ENTITY, reason, what_to_do));
    }
    let path = config.watch_folder();
    let name = sending::file_name(name);
    let put = || -> io::Result<std::ffi::OsString> {
        let watch = Folder::open(&path)?;
        loop {
            let free = watch.free_name(&name)?;
            if watch.write(&free, bytes, false)? == Moved::Done {
                watch.sync()?;
                return Ok(free);
            }
        }
    };
    match put() {
        Ok(name) => {
            let body =
                json!({ "id": null, "file": name.to_string_lossy(), "waits_in": path.to_string_lossy() });
            Ok(Reply { status: StatusCode::ACCEPTED, body })
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(OfflineError::NotAllowed(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(OfflineError::NoData(path)),
        Err(error) => Err(OfflineError::Account { path, error }),
    }
}
