//! What Windows is told of the service, and who may do what in its folders: what the MSI does, too (crate `packager`,
//! `formats/msi`). A test of the acceptance bench holds the two together.

use super::NAME;

/// What people see.
pub const DISPLAY_NAME: &str = "pyWATS Client";
/// What it is for.
pub const DESCRIPTION: &str = "Uploads manufacturing test reports to a WATS server";
/// How the service manager starts the program.
pub const ARGUMENTS: [&str; 2] = ["run", "--service"];
/// How long the service manager waits before it starts it again after a failure.
pub const RESTART_DELAY_SECONDS: u32 = 60;
/// After how long without one failures are counted anew.
pub const RESTART_RESET_SECONDS: u32 = 86_400;
/// How long a shutdown waits for it.
pub const PRESHUTDOWN_SECONDS: u32 = 30;
/// The folders in the data folder that are there from the beginning; reports are dropped into the first.
pub const FOLDERS: [&str; 4] = ["watch", "done", "failed", "logs"];
/// Where the event viewer finds the texts of events, below `HKEY_LOCAL_MACHINE`.
pub const EVENT_SOURCE: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\pywats-client";
/// The program of Windows whose messages are the text of an event alone.
pub const EVENT_MESSAGES: &str = r"%SystemRoot%\System32\EventCreate.exe";
/// The identity of the service, which follows from its name.
pub const IDENTITY: &str = "S-1-5-80-690038881-2362455650-554337083-1295761151-351279633";

/// Full control for the system and for administrators, handed down to everything.
const MASTERS: &str = "O:BAG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";

/// The account of the service: one of its own, without a password.
pub fn account() -> String {
    format!(r"NT SERVICE\{NAME}")
}

/// The rights of the data folder: the service works in it; users see that it is there.
pub fn data_rights() -> String {
    format!("{MASTERS}(A;OICI;0x1301bf;;;{IDENTITY})(A;;0x1200a9;;;BU)")
}

/// The rights of the folder that users drop reports into.
pub fn drop_rights() -> String {
    format!("{MASTERS}(A;OICI;0x1301bf;;;{IDENTITY})(A;;0x1200ab;;;BU)(A;OIIO;0x1301bf;;;CO)")
}
