//! The service with the Windows service manager: registered as the MSI registers it ([`registered`]).

mod rights;
mod source;

use super::registered::{self, FOLDERS};
use super::steps::{self, Step, undo};
use super::{Installer, NAME, Refusal, State, Tell, not_installed, this_program};
use crate::cli::installation::{InstallArgs, UninstallArgs};
use crate::config;
use crate::exit::Exit;
use std::cell::RefCell;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf, Prefix};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};
use windows_service::Error;
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl, ServiceFailureActions,
    ServiceFailureResetPeriod, ServiceInfo, ServiceSidType, ServiceStartType, ServiceState, ServiceType,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_SERVICE_ALREADY_RUNNING, ERROR_SERVICE_DOES_NOT_EXIST,
    ERROR_SERVICE_NOT_ACTIVE,
};

/// How long a start or a stop may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Registers the service.
pub(super) fn install(args: &InstallArgs, tell: Tell<'_>) -> Result<(), Refusal> {
    let fails = |error: &Error| refusal(error, Exit::InstallFailed, "the service cannot be registered");
    if find(ServiceAccess::QUERY_STATUS).map_err(|error| fails(&error))?.is_some() {
        let what = match installer() {
            Installer::Here => {
                "the service is installed already; to use a newer program, stop it, put that in the place of the old \
                 one and start it"
            }
            Installer::Package => {
                "the MSI or somebody else has installed the service already; a newer MSI upgrades it"
            }
        };
        return Err(Refusal::new(Exit::AlreadyInstalled, what));
    }
    let program = this_program()?;
    let wanted =
        args.copy_to.as_ref().map_or_else(|| program.clone(), |folder| folder.join("pywats-client.exe"));
    if let Some(why) = hindrance(&wanted) {
        let what = format!(
            "the service cannot be run from {}: {why}; let the program be copied: pywats-client service install \
             --copy-to \"C:\\Program Files\\pyWATS\"",
            plain(&wanted).display()
        );
        return Err(Refusal::new(Exit::InstallFailed, what));
    }
    let mut todo = Vec::new();
    if !args.dry_run {
        // Asked for before anything is done: who is no administrator fails here.
        manager(ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE)
            .map_err(|error| fails(&error))?;
    }
    let wanted = plain(&wanted);
    let copied = wanted != plain(&program);
    if copied {
        todo.push(copy(plain(&program), wanted.clone()));
    }
    let account = registered::account();
    let command = wanted.clone();
    let notes = Rc::new(RefCell::new(Vec::new()));
    let noted = Rc::clone(&notes);
    todo.push(Step::new(
        format!("register the service {NAME}, account {account}, delayed start"),
        move || {
            *noted.borrow_mut() = register(&command).map_err(|error| text(&error))?;
            Ok(undo(|| delete().map_err(|error| text(&error))))
        },
    ));
    let data = config::Config::new().client.data_dir;
    todo.push(Step::new(
        format!("make {} and what is missing in it, and set who may use it", data.display()),
        {
            let data = data.clone();
            move || make_folders(&data).map(|()| None)
        },
    ));
    let copy = if copied { wanted.display().to_string() } else { String::new() };
    todo.push(Step::new("register the source of events", move || {
        source::add(&copy)?;
        Ok(undo(source::remove))
    }));
    if !args.no_start {
        todo.push(
            Step::new(format!("start {NAME}"), || begin().map(|()| None).map_err(|refusal| refusal.what))
                .or_else(Exit::StartFailed),
        );
    }
    steps::run(todo, args.dry_run, tell)?;
    notes.borrow().iter().for_each(|note: &String| tell(note));
    if !args.dry_run {
        tell(&format!(
            "Installed. Write {}; `{NAME} check` shows what is missing. Who is to ask the running service without \
             being an administrator needs the local group pywats-operators: net localgroup pywats-operators /add, then \
             net localgroup pywats-operators NAME /add",
            config::default_path().display()
        ));
    }
    Ok(())
}

/// Removes the service.
pub(super) fn uninstall(args: &UninstallArgs, tell: Tell<'_>) -> Result<(), Refusal> {
    let found = find(ServiceAccess::QUERY_STATUS)
        .map_err(|error| refusal(&error, Exit::UninstallFailed, "the service cannot be looked at"))?;
    match (&found, installer()) {
        (Some(_), Installer::Package) => {
            return Err(Refusal::new(
                Exit::UninstallFailed,
                "the MSI or somebody else has installed the service: remove it in Settings, Apps",
            ));
        }
        (None, _) if !args.purge => return Err(not_installed()),
        _ => {}
    }
    if !args.dry_run {
        manager(ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE)
            .map_err(|error| refusal(&error, Exit::UninstallFailed, "the service cannot be removed"))?;
    }
    let mut todo = Vec::new();
    if found.is_some() {
        todo.push(Step::new(format!("stop {NAME}"), || {
            stop().map(|()| None).map_err(|refusal| refusal.what)
        }));
        todo.push(Step::new("remove its registration", || {
            delete().map(|()| None).map_err(|error| text(&error))
        }));
    }
    let copied = source::copied_program();
    todo.push(Step::new("remove the source of events", || source::remove().map(|()| None)));
    if let Some(program) = copied.filter(|program| *program != plain(&this_program().unwrap_or_default())) {
        todo.push(Step::new(format!("remove {}", program.display()), move || {
            gone(fs::remove_file(&program)).map(|()| None)
        }));
    }
    if args.purge {
        let data = config::Config::new().client.data_dir;
        todo.push(Step::new(format!("delete {}", data.display()), move || {
            gone(fs::remove_dir_all(&data)).map(|()| None)
        }));
    }
    steps::run_all(todo, args.dry_run, tell)
}

/// Starts the service.
pub(super) fn start() -> Result<(), Refusal> {
    begin()
}

/// Stops the service.
pub(super) fn stop() -> Result<(), Refusal> {
    let fails = |error: &Error| refusal(error, Exit::StopFailed, "the service cannot be stopped");
    let access = ServiceAccess::QUERY_STATUS | ServiceAccess::STOP;
    let service = find(access).map_err(|error| fails(&error))?.ok_or_else(not_installed)?;
    match service.stop() {
        Ok(_) => {}
        Err(error) if code(&error) == Some(ERROR_SERVICE_NOT_ACTIVE) => return Ok(()),
        Err(error) => return Err(fails(&error)),
    }
    wait(&service, ServiceState::Stopped, Exit::StopFailed)
}

fn begin() -> Result<(), Refusal> {
    let fails = |error: &Error| refusal(error, Exit::StartFailed, "the service cannot be started");
    let access = ServiceAccess::QUERY_STATUS | ServiceAccess::START;
    let service = find(access).map_err(|error| fails(&error))?.ok_or_else(not_installed)?;
    match service.start::<OsString>(&[]) {
        Ok(()) => {}
        Err(error) if code(&error) == Some(ERROR_SERVICE_ALREADY_RUNNING) => return Ok(()),
        Err(error) => return Err(fails(&error)),
    }
    wait(&service, ServiceState::Running, Exit::StartFailed)
}

/// Waits for a state; one that ends while it should begin has failed.
fn wait(service: &Service, wanted: ServiceState, exit: Exit) -> Result<(), Refusal> {
    let begun = Instant::now();
    loop {
        let status =
            service.query_status().map_err(|error| refusal(&error, exit, "the service cannot be asked"))?;
        if status.current_state == wanted {
            return Ok(());
        }
        if wanted == ServiceState::Running && status.current_state == ServiceState::Stopped {
            let what =
                format!("the service ended while it started ({:?}); read why in its log", status.exit_code);
            return Err(Refusal::new(exit, what));
        }
        if begun.elapsed() > PATIENCE {
            let what =
                format!("the service is still {:?} after {} s", status.current_state, PATIENCE.as_secs());
            return Err(Refusal::new(Exit::Timeout, what));
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// How the service is registered.
pub(super) fn state() -> Result<State, Refusal> {
    let fails = |error: &Error| refusal(error, Exit::Error, "the service manager cannot be asked");
    let access = ServiceAccess::QUERY_STATUS | ServiceAccess::QUERY_CONFIG;
    let Some(service) = find(access).map_err(|error| fails(&error))? else { return Ok(State::default()) };
    let status = service.query_status().map_err(|error| fails(&error))?;
    let config = service.query_config().map_err(|error| fails(&error))?;
    Ok(State {
        installed_by: Some(installer()),
        running: status.current_state == ServiceState::Running,
        state: format!("{:?}", status.current_state).to_lowercase(),
        starts_with_machine: Some(config.start_type == ServiceStartType::AutoStart),
        process: status.process_id.map(u64::from),
        account: config.account_name.map(|name| name.to_string_lossy().into_owned()),
        command: Some(config.executable_path.display().to_string()),
        definition: None,
        says: None,
    })
}

fn manager(access: ServiceManagerAccess) -> Result<ServiceManager, Error> {
    ServiceManager::local_computer(None::<&str>, access)
}

fn find(access: ServiceAccess) -> Result<Option<Service>, Error> {
    match manager(ServiceManagerAccess::CONNECT)?.open_service(NAME, access) {
        Ok(service) => Ok(Some(service)),
        Err(error) if code(&error) == Some(ERROR_SERVICE_DOES_NOT_EXIST) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Registers the service, and says what of the rest the service manager did not take: the service works without.
fn register(program: &Path) -> Result<Vec<String>, Error> {
    let info = ServiceInfo {
        name: NAME.into(),
        display_name: registered::DISPLAY_NAME.into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: program.to_path_buf(),
        launch_arguments: registered::ARGUMENTS.map(OsString::from).to_vec(),
        dependencies: Vec::new(),
        account_name: Some(registered::account().into()),
        account_password: None,
    };
    let manager = manager(ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE)?;
    // A failure action that restarts needs the right to start.
    let service = manager.create_service(&info, ServiceAccess::CHANGE_CONFIG | ServiceAccess::START)?;
    let outcomes = configure(&service).into_iter();
    Ok(outcomes
        .filter_map(|(what, outcome)| Some(format!("the service has no {what}: {}", text(&outcome.err()?))))
        .collect())
}

fn configure(service: &Service) -> [(&'static str, Result<(), Error>); 6] {
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let restart = ServiceAction {
        action_type: ServiceActionType::Restart,
        delay: seconds(registered::RESTART_DELAY_SECONDS),
    };
    let recovery = ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(seconds(registered::RESTART_RESET_SECONDS)),
        reboot_msg: None,
        command: None,
        actions: Some(vec![restart; 3]),
    };
    [
        // It is what the access rights of the data folder name.
        ("identity", service.set_config_service_sid_info(ServiceSidType::Unrestricted)),
        ("description", service.set_description(registered::DESCRIPTION)),
        ("delayed start", service.set_delayed_auto_start(true)),
        ("recovery", service.update_failure_actions(recovery)),
        // A service that ends with an error is restarted like one that crashes.
        ("recovery from errors", service.set_failure_actions_on_non_crash_failures(true)),
        ("time before shutdown", service.set_preshutdown_timeout(seconds(registered::PRESHUTDOWN_SECONDS))),
    ]
}

fn delete() -> Result<(), Error> {
    match find(ServiceAccess::DELETE)? {
        Some(service) => service.delete(),
        None => Ok(()),
    }
}

/// The folders of the service. They stay when the rest fails: what is in them may be somebody's.
fn make_folders(data: &Path) -> Result<(), String> {
    rights::secure(data, &registered::data_rights())?;
    for believed in ["config.json", "token"] {
        rights::expect_trusted(&data.join(believed))?;
    }
    for (at, name) in FOLDERS.into_iter().enumerate() {
        let folder = data.join(name);
        if at == 0 {
            rights::secure(&folder, &registered::drop_rights())?;
        } else {
            fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
    }
    Ok(())
}

/// Who has installed the service that is there.
fn installer() -> Installer {
    if source::is_ours() { Installer::Here } else { Installer::Package }
}

/// Why the account of the service cannot run a program from there, or why it should not.
fn hindrance(program: &Path) -> Option<&'static str> {
    let program = plain(program);
    if !program.is_absolute() {
        return Some("it is no full path");
    }
    if let Some(Component::Prefix(prefix)) = program.components().next()
        && matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..))
    {
        return Some("the account of the service has no rights on other machines");
    }
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let below = |parent: Option<PathBuf>| {
        let lower = |path: &Path| PathBuf::from(path.to_string_lossy().to_lowercase());
        parent.is_some_and(|parent| lower(&program).starts_with(lower(&parent)))
    };
    let users = folder("PUBLIC").and_then(|public| public.parent().map(Path::to_path_buf));
    let users = users.filter(|users| users.parent().is_some());
    if below(users) || below(folder("USERPROFILE")) {
        return Some("it is in the folder of a user, where the account of the service has no rights");
    }
    (below(folder("TEMP")) || below(folder("ProgramData"))).then_some("standard users may put files there")
}

fn copy(from: PathBuf, to: PathBuf) -> Step {
    Step::new(format!("copy {} to {}", from.display(), to.display()), move || {
        let there = to.exists();
        let folder = to.parent().unwrap_or(&to);
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        fs::copy(&from, &to).map_err(|error| format!("{}: {error}", to.display()))?;
        Ok(if there { None } else { undo(move || gone(fs::remove_file(&to))) })
    })
}

fn gone(removed: io::Result<()>) -> Result<(), String> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// A path without the `\\?\` that [`fs::canonicalize`] begins it with, which the service manager would keep.
fn plain(path: &Path) -> PathBuf {
    let text = path.to_string_lossy();
    match text.strip_prefix(r"\\?\") {
        Some(rest) if !rest.starts_with("UNC") => PathBuf::from(rest),
        _ => path.to_path_buf(),
    }
}

fn code(error: &Error) -> Option<u32> {
    match error {
        Error::Winapi(error) => error.raw_os_error().map(i32::cast_unsigned),
        _ => None,
    }
}

fn text(error: &Error) -> String {
    match error {
        Error::Winapi(error) => error.to_string(),
        other => other.to_string(),
    }
}

fn refusal(error: &Error, exit: Exit, what: &str) -> Refusal {
    if code(error) == Some(ERROR_ACCESS_DENIED) {
        return Refusal::new(
            Exit::Permission,
            format!("{what}: only an administrator may do this; use an administrator's command prompt"),
        );
    }
    Refusal::new(exit, format!("{what}: {}", text(error)))
}
