//! The custom actions of the Windows Installer package: what the standard actions cannot do.
//!
//! A [DLL of custom actions](https://learn.microsoft.com/en-us/windows/win32/msi/dynamic-link-libraries) in the
//! package's `Binary` table. It knows no product: names, folders and access rights come from properties that
//! the packager writes (crate `packager`, module `formats::msi::actions`), one for each action, in the form
//! that [`records`] reads.
//!
//! | action | when | what |
//! |---|---|---|
//! | `KeepSettings` | first of all | has a standard user change nothing of what is installed |
//! | `CheckSettings` | a dialog is left | says in `SETTINGSPROBLEM` what is wrong with the public properties |
//! | `RefuseSettings` | before anything is decided | the same, and ends the installation |
//! | `ChooseFeatures` | features are known | takes features in or out as the public properties say |
//! | `Prepare` | right before the transaction | looks at the service and hands the data to the actions below |
//! | `StartAgain` | rollback, last of all | starts the service again if it ran before |
//! | `AwaitProgram` | the service is stopped | waits until its process is gone, so that its file can be replaced or removed |
//! | `SecureFolders` | folders are there | gives folders their owner and access rights, and takes what standard users put there out of the way |
//! | `WriteConfiguration` | files are there | writes a first configuration where there is none; puts a token that is given later in the place of the earlier one |
//! | `RemoveConfiguration` | rollback | removes what the action above has written, and brings the earlier token back |
//! | `ForgetReplaced` | commit | removes the earlier token |
//! | `ConfigureService` | the service is registered | what the table cannot say; the path of a service that was there |
//! | `RestoreService` | rollback | gives a service that was there its path back |
//! | `RemoveService` | commit | deletes a service that is not wanted any more |
//! | `PurgeData` | commit, after a removal | removes configuration and data |
//!
//! Everything that can be decided without Windows is in modules that every system compiles and tests.

pub mod configuration;
pub mod features;
pub mod maintenance;
pub mod plan;
pub mod records;
pub mod registration;
pub mod secured;
pub mod settings;
#[cfg(windows)]
mod windows;
