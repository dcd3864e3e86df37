//! The exit codes of the program: one table for the code, the man page and scripts.

use std::process::ExitCode;

/// Why the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Ok,
    /// Something failed that has no code of its own.
    Error,
    /// The command line is wrong, or asks for what this system does not have.
    Usage,
    /// The service is installed already.
    AlreadyInstalled,
    /// The service is not installed.
    NotInstalled,
    /// The service could not be installed; what was begun is undone.
    InstallFailed,
    /// The service could not be removed, or only in part.
    UninstallFailed,
    /// The account may not do this.
    Permission,
    /// The configuration can be read, but the service cannot work with it.
    Config,
    /// There is no configuration.
    ConfigNotFound,
    /// The configuration cannot be understood.
    ConfigInvalid,
    /// The service could not start.
    StartFailed,
    /// The service could not be stopped.
    StopFailed,
    /// The service does not run.
    NotRunning,
    /// The service did not start or stop in time.
    Timeout,
    /// The server was reached but did not answer as a WATS server does.
    Network,
    /// The server could not be reached.
    Unreachable,
    /// The server refused the token.
    Authentication,
    /// Something needs attention.
    Attention,
    /// There is no such report or file.
    NotFound,
    /// The report was refused.
    Refused,
}

/// Every exit code with its meaning, in numerical order.
pub const TABLE: &[(Exit, u8, &str)] = &[
    (Exit::Ok, 0, "Success; for run: stopped on request."),
    (Exit::Error, 1, "An error that has no code of its own; for health: the service is not as it should be."),
    (Exit::Usage, 2, "The command line is wrong, or this system lacks what it asks for."),
    (Exit::AlreadyInstalled, 10, "service install: the service is installed already."),
    (Exit::NotInstalled, 11, "service: the service is not installed."),
    (Exit::InstallFailed, 12, "service install failed; what was begun is undone."),
    (Exit::UninstallFailed, 13, "service uninstall failed, or the service belongs to a package."),
    (Exit::Permission, 14, "This account may not do that; the message says who may."),
    (Exit::Config, 20, "The configuration is incomplete or its values cannot be used."),
    (Exit::ConfigNotFound, 21, "There is no configuration file, and nothing in the environment instead."),
    (
        Exit::ConfigInvalid,
        22,
        "File, environment or policies are damaged or have values that cannot be used.",
    ),
    (Exit::StartFailed, 30, "The service could not start, for example because another one uses its data."),
    (Exit::StopFailed, 31, "service stop: the service could not be stopped."),
    (Exit::NotRunning, 32, "The service is not running, or still starting."),
    (Exit::Timeout, 33, "service: the service did not start or stop in time."),
    (Exit::Network, 40, "The server was reached, but failed or did not answer as a WATS server."),
    (Exit::Unreachable, 41, "The server could not be reached."),
    (Exit::Authentication, 42, "The server refused the token."),
    (
        Exit::Attention,
        50,
        "Something needs attention: diagnose found it, or status shows that the service is not ready.",
    ),
    (Exit::NotFound, 60, "There is no such report or file."),
    (Exit::Refused, 61, "The report was refused; the message says why."),
];

impl Exit {
    /// The number that the system sees.
    pub fn code(self) -> u8 {
        TABLE.iter().find(|(exit, ..)| *exit == self).map_or(1, |(_, code, _)| *code)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
