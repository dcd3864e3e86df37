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
    /// The configuration can be read, but the service cannot work with it.
    Config,
    /// There is no configuration.
    ConfigNotFound,
    /// The configuration cannot be understood.
    ConfigInvalid,
    /// The service could not start.
    StartFailed,
    /// The server was reached but did not answer as a WATS server does.
    Network,
    /// The server could not be reached.
    Unreachable,
    /// The server refused the token.
    Authentication,
    /// A report would not pass.
    ReportRefused,
    /// A diagnosis found something that needs attention.
    Attention,
}

/// Every exit code with its meaning, in numerical order.
pub const TABLE: &[(Exit, u8, &str)] = &[
    (Exit::Ok, 0, "Success; for run: stopped on request."),
    (Exit::Error, 1, "An error that has no code of its own."),
    (Exit::Usage, 2, "The command line is wrong, or this system lacks what it asks for."),
    (Exit::Config, 20, "The configuration is incomplete or its values cannot be used."),
    (Exit::ConfigNotFound, 21, "There is no configuration file, and nothing in the environment instead."),
    (
        Exit::ConfigInvalid,
        22,
        "File, environment or policies are damaged or have values that cannot be used.",
    ),
    (Exit::StartFailed, 30, "The service could not start, for example because another one uses its data."),
    (Exit::Network, 40, "The server was reached, but failed or did not answer as a WATS server."),
    (Exit::Unreachable, 41, "The server could not be reached."),
    (Exit::Authentication, 42, "The server refused the token."),
    (Exit::Attention, 50, "diagnose found something that needs attention."),
    (Exit::ReportRefused, 51, "check FILE: a report would not be taken or would be refused."),
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
