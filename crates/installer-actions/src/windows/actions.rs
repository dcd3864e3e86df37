//! What each action does, in terms of the other modules.

use super::service;
use super::session::Session;
use super::{files, folders, registry, security, windows_folder};
use crate::features::{self, Facts, SELECTIONS};
use crate::maintenance;
use crate::plan::{self, Request};
use crate::secured::{self, Secured};
use crate::settings::{self, Found, Problem, System};
use crate::{configuration, registration};
use std::fs;
use std::io::{self, Read};
use std::os::windows::fs::MetadataExt;
use std::path::{Path, PathBuf};
use windows_sys::Win32::Storage::FileSystem::FILE_ATTRIBUTE_REPARSE_POINT;

type Outcome = Result<(), String>;

/// The actions that are given data before the transaction, because they run when properties are gone.
const PREPARED: &[&str] = &[
    "AwaitProgram",
    "SecureFolders",
    "WriteConfiguration",
    "RemoveConfiguration",
    "ForgetReplaced",
    "ConfigureService",
    "RestoreService",
    "RemoveService",
    "PurgeData",
];

impl System for Session {
    fn property(&self, name: &str) -> String {
        Session::property(self, name)
    }

    fn look(&self, path: &str) -> Found {
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Found::Nothing,
            Err(error) => return unreadable(&error),
        };
        if metadata.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
            return Found::Link;
        }
        if metadata.is_dir() {
            return match fs::read_dir(path) {
                Ok(entries) => {
                    let names =
                        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
                    Found::Folder(names.collect())
                }
                Err(error) => unreadable(&error),
            };
        }
        match fs::File::open(path) {
            Ok(_) => Found::File,
            Err(error) => unreadable(&error),
        }
    }

    fn read(&self, path: &str, most: usize) -> Result<Vec<u8>, String> {
        let mut content = Vec::new();
        let read = fs::File::open(path).and_then(|file| file.take(most as u64 + 1).read_to_end(&mut content));
        read.map(|_| content).map_err(|error| error.to_string())
    }

    fn account_exists(&self, name: &str) -> bool {
        security::account_sid(name).is_some()
    }

    fn is_planted(&self, path: &str) -> bool {
        folders::is_planted(Path::new(path))
    }

    fn account_of(&self, service: &str) -> Option<String> {
        service::look(service).ok().flatten().map(|service| service.account)
    }

    fn windows_folder(&self) -> String {
        windows_folder()
    }

    fn is_configured(&self) -> bool {
        // What is not understood is told by who asks next; until then nothing is spared the look.
        configuration_that_stays(self).is_ok_and(|file| file.is_some())
    }
}

fn unreadable(error: &io::Error) -> Found {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Found::Denied,
        _ => Found::Unreadable(error.to_string()),
    }
}

/// The configuration that is there and stays as it is.
///
/// # Errors
/// If the package is not understood.
fn configuration_that_stays(session: &Session) -> Result<Option<PathBuf>, String> {
    let file = configuration::read(&session.data_for("WriteConfiguration"))?.file;
    let folders = session.data_for("SecureFolders");
    let kept = folders::keeps(&secured::read(&folders)?, &file);
    Ok(kept.then_some(file))
}

pub(super) fn keep_settings(session: &Session) -> Outcome {
    if security::caller_is_administrator() {
        return Ok(());
    }
    let data = session.property("KeepSettings.Data");
    let (key, properties) = maintenance::read(&data)?;
    for kept in properties {
        let chosen = kept.remembered.map(|(value, _)| registry::text(key, value)).unwrap_or_default();
        // Not what was given: it may be a password.
        if ![String::new(), chosen.clone()].contains(&session.property(kept.property)) {
            session.log(&format!(
                "{} is left as it is: only an administrator changes it of an installed product",
                kept.property
            ));
        }
        session.set(kept.property, &chosen);
        if let Some((_, property)) = kept.remembered {
            session.set(property, &chosen);
        }
    }
    Ok(())
}

fn wrong_settings(session: &Session, sentence: impl Fn(&Problem) -> String) -> Result<String, String> {
    let problems = settings::problems(&session.property("CheckSettings.Data"), session)?;
    Ok(problems.iter().map(sentence).collect::<Vec<_>>().join("\n"))
}

pub(super) fn check_settings(session: &Session) -> Outcome {
    let labels = session.property("CheckSettings.Labels");
    let labels = settings::labels(&labels)?;
    session.set("SETTINGSPROBLEM", &wrong_settings(session, |problem| problem.in_dialog(&labels))?);
    Ok(())
}

pub(super) fn refuse_settings(session: &Session) -> Outcome {
    match wrong_settings(session, Problem::on_command_line)? {
        problems if problems.is_empty() => Ok(()),
        problems => Err(problems),
    }
}

pub(super) fn choose_features(session: &Session) -> Outcome {
    let selected = SELECTIONS.iter().any(|name| !session.property(name).is_empty());
    let installed = !session.property("Installed").is_empty();
    for switch in features::switches(&session.property("ChooseFeatures.Data"))? {
        let given = session.property(switch.property);
        let remembered = session.property(switch.remembered);
        let facts = Facts { given: &given, remembered: &remembered, selected, installed };
        let decided = features::decide(facts)
            .map_err(|reason| format!("{} cannot be settled: {reason}", switch.property))?;
        if let Some(present) = decided
            && session.has_feature(switch.feature) != present
        {
            session.choose_feature(switch.feature, present)?;
        }
        // What is then remembered, and what other actions go by.
        session.set(switch.property, if session.has_feature(switch.feature) { "1" } else { "0" });
    }
    Ok(())
}

pub(super) fn prepare(session: &Session) -> Outcome {
    let data = session.data_for("Prepare");
    let facts = registration::prepared(&data)?;
    let name = facts.name;
    let existing = service::look(name)?;
    let account = session.property("SERVICEACCOUNT");
    let wanted = session.has_feature(facts.feature);
    let start = session.property("STARTSERVICE");
    let remembered_start = session.property("REMEMBERED_STARTSERVICE");
    let upgrading = !session.property("UPGRADINGPRODUCTCODE").is_empty();
    let password = !session.property("SERVICEPASSWORD").is_empty();
    let (account, start, remembered_start) = (account.as_str(), start.as_str(), remembered_start.as_str());
    let request = Request { wanted, upgrading, account, password, start, remembered_start };
    let plan = plan::plan(request, existing.as_ref());
    let flag = |on: bool| if on { "1" } else { "" };
    session.set("USESERVICE", flag(plan.keep));
    session.set("REMOVESERVICE", flag(plan.remove));
    session.set("REGISTERSERVICE", flag(plan.register));
    session.set("RUNSERVICE", flag(plan.start));
    if plan.register && account.is_empty() {
        session.set("SERVICEACCOUNT", facts.default_account);
    }
    if let Some(service) = &existing {
        session.log(&format!("the service {name} is there: {service:?}"));
        session.set("SERVICEEXISTS", "1");
        if service.running {
            session.set("StartAgain", name);
        }
    }
    session.log(&format!("the service {name}: {plan:?}"));
    let kept = configuration_that_stays(session)?;
    if let Some(file) = &kept {
        session.log(&format!("{} exists and stays as it is", file.display()));
    }
    for action in PREPARED {
        let mut data = session.data_for(action);
        match *action {
            "ConfigureService" | "RestoreService" => {
                data += &registration::addition(existing.as_ref(), &session.property("SERVICEACCOUNT"));
            }
            "SecureFolders" => data = prepared_folders(&data, kept.is_some())?,
            // Decided once for all three: the rollback must not remove what was there before.
            "WriteConfiguration" | "RemoveConfiguration" | "ForgetReplaced" if kept.is_some() => {
                data = configuration::for_existing(&data)?;
            }
            // A first configuration replaces nothing.
            "ForgetReplaced" => data.clear(),
            _ => {}
        }
        session.set(action, &data);
    }
    Ok(())
}

/// The data of `SecureFolders`: which folders will be new; the folders that are about to be made above others, as who
/// may rename one of them may put another in place of what is in it; and a watch folder only if the
/// first configuration will name it.
fn prepared_folders(data: &str, configured: bool) -> Result<String, String> {
    let (mut parents, mut folders) = (String::new(), String::new());
    for mut folder in secured::read(data)? {
        match &mut folder {
            Secured::Tree { path, sddl, new, .. } => {
                for parent in folders::missing_above(Path::new(path)) {
                    let path = parent.to_string_lossy();
                    parents += &format!("{}\n", Secured::Alone { path: &path, sddl }.record());
                }
                *new = !folders::exists(Path::new(path));
            }
            Secured::Drop { .. } if configured => continue,
            Secured::Drop { .. } | Secured::Alone { .. } => {}
        }
        folders += &format!("{}\n", folder.record());
    }
    Ok(parents + &folders)
}

pub(super) fn start_again(session: &Session) -> Outcome {
    // It runs already if nothing had stopped it; what else can go wrong is in the log.
    if let Err(error) = service::start(&session.data()) {
        session.log(&error);
    }
    Ok(())
}

pub(super) fn await_program(session: &Session) -> Outcome {
    files::await_end(Path::new(secured::program(&session.data())?), &|line| session.log(line));
    Ok(())
}

pub(super) fn secure_folders(session: &Session) -> Outcome {
    folders::secure(&secured::read(&session.data())?, &|line| session.log(line))
}

pub(super) fn write_configuration(session: &Session) -> Outcome {
    files::write_configuration(&configuration::read(&session.data())?, &|line| session.log(line))
}

pub(super) fn remove_configuration(session: &Session) -> Outcome {
    files::remove_configuration(&configuration::read(&session.data())?);
    Ok(())
}

pub(super) fn forget_replaced(session: &Session) -> Outcome {
    files::forget_replaced(&configuration::read(&session.data())?, &|line| session.log(line));
    Ok(())
}

pub(super) fn configure_service(session: &Session) -> Outcome {
    let data = session.data();
    let (registration, described) = registration::configured(&data)?;
    let account = registration.account;
    if !account.is_empty() && !settings::is_of_windows(account) {
        // Where a policy decides who may, the service manager says so when the service starts.
        if let Err(error) = security::allow_logon_as_service(account) {
            session.log(&format!("{account} is not given the right to log on as a service: {error}"));
        }
    }
    service::configure(&registration, &described, &|line| session.log(line))
}

pub(super) fn restore_service(session: &Session) -> Outcome {
    let data = session.data();
    let registration = registration::restored(&data)?;
    if let Err(error) = service::restore(&registration, &|line| session.log(line)) {
        session.log(&format!("the service {} stays as it is: {error}", registration.name));
    }
    Ok(())
}

pub(super) fn remove_service(session: &Session) -> Outcome {
    if let Err(error) = service::remove(registration::removed(&session.data())?) {
        session.log(&error);
    }
    Ok(())
}

pub(super) fn purge_data(session: &Session) -> Outcome {
    files::purge(&secured::purged(&session.data())?, &|line| session.log(line));
    Ok(())
}
