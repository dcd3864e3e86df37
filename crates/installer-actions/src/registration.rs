//! What the actions of the service are told: what the package says of it, and what `Prepare` found.
//!
//! Every action is told all that it needs and nothing else; a name that it does not know, or one that is missing, is
//! an error.

use crate::plan::Service;
use crate::records::Pairs;

/// What `Prepare` knows from the package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepared<'a> {
    /// The name of the service.
    pub name: &'a str,
    /// The feature that has it.
    pub feature: &'a str,
    /// The account that it runs under unless another is given.
    pub default_account: &'a str,
}

/// The service as the package describes it, for the action that configures it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described<'a> {
    /// What it is for.
    pub description: &'a str,
    /// Program and arguments.
    pub command: &'a str,
    /// How long the service manager waits before it starts it again after a failure.
    pub restart_delay_seconds: u32,
    /// After how long without one failures are counted anew.
    pub restart_reset_seconds: u32,
    /// How long a shutdown waits for it.
    pub preshutdown_seconds: u32,
}

/// A service that is changed, or changed back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration<'a> {
    /// Its name.
    pub name: &'a str,
    /// What people see.
    pub display: &'a str,
    /// The account that it is to run under; empty where that stays.
    pub account: &'a str,
    /// What was there when the installation began.
    pub found: Option<Service>,
}

/// Reads the data of `Prepare`.
///
/// # Errors
/// If it is not understood.
pub fn prepared(data: &str) -> Result<Prepared<'_>, String> {
    let pairs = Pairs::parse(data, "the service to prepare", &["name", "feature", "default_account"])?;
    Ok(Prepared {
        name: pairs.filled("name")?,
        feature: pairs.filled("feature")?,
        default_account: pairs.filled("default_account")?,
    })
}

/// Reads the data of `ConfigureService`.
///
/// # Errors
/// If it is not understood.
pub fn configured(data: &str) -> Result<(Registration<'_>, Described<'_>), String> {
    let described =
        ["description", "command", "restart_delay_seconds", "restart_reset_seconds", "preshutdown_seconds"];
    let pairs = Pairs::parse(data, "the service to configure", &[REGISTRATION, &described].concat())?;
    let described = Described {
        description: pairs.text("description")?,
        command: pairs.filled("command")?,
        restart_delay_seconds: pairs.number("restart_delay_seconds")?,
        restart_reset_seconds: pairs.number("restart_reset_seconds")?,
        preshutdown_seconds: pairs.number("preshutdown_seconds")?,
    };
    Ok((registration(&pairs)?, described))
}

/// Reads the data of `RestoreService`.
///
/// # Errors
/// If it is not understood.
pub fn restored(data: &str) -> Result<Registration<'_>, String> {
    registration(&Pairs::parse(data, "the service to restore", REGISTRATION)?)
}

/// Reads the data of `RemoveService`: the name of the service.
///
/// # Errors
/// If it is not understood.
pub fn removed(data: &str) -> Result<&str, String> {
    Pairs::parse(data, "the service to remove", &["name"])?.filled("name")
}

const REGISTRATION: &[&str] =
    &["name", "display", "account", "start", "delayed", "old_command", "old_account"];

fn registration<'a>(pairs: &Pairs<'a>) -> Result<Registration<'a>, String> {
    let found = match pairs.get("start") {
        None => {
            let alone =
                ["delayed", "old_command", "old_account"].iter().find(|name| pairs.get(name).is_some());
            if let Some(alone) = alone {
                return Err(format!("the package is not understood: {alone:?} without \"start\""));
            }
            None
        }
        Some(_) => Some(Service {
            running: false,
            start: pairs.number("start")?,
            delayed: match pairs.text("delayed")? {
                "0" => false,
                "1" => true,
                other => return Err(format!("the package is not understood: \"delayed\" is {other:?}")),
            },
            command: pairs.text("old_command")?.to_owned(),
            account: pairs.text("old_account")?.to_owned(),
        }),
    };
    Ok(Registration {
        name: pairs.filled("name")?,
        display: pairs.filled("display")?,
        account: pairs.text("account")?,
        found,
    })
}

/// What `Prepare` adds to the data of an action: the service as it was found, and the account that was given.
pub fn addition(found: Option<&Service>, account: &str) -> String {
    let found = found.map(|service| {
        format!(
            "start|{}\ndelayed|{}\nold_command|{}\nold_account|{}\n",
            service.start,
            u8::from(service.delayed),
            service.command,
            service.account
        )
    });
    format!("\n{}account|{account}\n", found.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGE: &str = "name|svc\ndisplay|Service\ndescription|a | b\ncommand|\"C:\\p.exe\" run\n\
                           restart_delay_seconds|60\nrestart_reset_seconds|86400\npreshutdown_seconds|30";

    /// Fails if: something that an action needs is lost on its way to it.
    #[test]
    fn hands_over_what_was_found() {
        let service = Service {
            running: false,
            start: 2,
            delayed: true,
            command: "\"C:\\old.exe\" | x".to_owned(),
            account: "LocalSystem".to_owned(),
        };
        for found in [None, Some(service)] {
            let data = format!("{PACKAGE}{}", addition(found.as_ref(), r"NT SERVICE\svc"));
            let (registration, described) = configured(&data).unwrap();
            let expected = Registration {
                name: "svc",
                display: "Service",
                account: r"NT SERVICE\svc",
                found: found.clone(),
            };
            assert_eq!(registration, expected);
            assert_eq!((described.description, described.preshutdown_seconds), ("a | b", 30));
            let data = format!("name|svc\ndisplay|Service{}", addition(found.as_ref(), ""));
            assert_eq!(restored(&data).unwrap(), Registration { account: "", ..expected });
        }
        assert_eq!(removed("name|svc"), Ok("svc"));
        let read = prepared("name|svc\nfeature|Service\ndefault_account|LocalSystem").unwrap();
        assert_eq!(read.feature, "Service");
    }

    /// Fails if: what is not understood is passed over, or stands for a default that nobody asked for.
    #[test]
    fn refuses_what_it_does_not_understand() {
        let refused = |data: &str| configured(data).map(|_| ()).unwrap_err();
        let good = format!("{PACKAGE}\naccount|");
        assert!(configured(&good).is_ok());
        for line in good.lines() {
            let name = line.split('|').next().unwrap_or_default();
            let without: Vec<&str> = good.lines().filter(|other| *other != line).collect();
            assert!(refused(&without.join("\n")).contains(&format!("{name:?} is missing")), "{name}");
        }
        for (more, part) in [
            ("recovery|none", "\"recovery|none\""),
            ("name|other", "\"name\" is twice"),
            ("old_command|x", "\"old_command\" without \"start\""),
            ("start|automatic", "\"automatic\", no number"),
            ("start|2", "\"delayed\" is missing"),
            ("start|2\ndelayed|yes", "\"delayed\" is \"yes\""),
            ("start|2\ndelayed|0\nold_command|x", "\"old_account\" is missing"),
        ] {
            let reason = refused(&format!("{good}\n{more}"));
            assert!(reason.contains(part), "{more}: {reason}");
        }
        let reasons = [
            prepared("name|svc\nfeature|x").unwrap_err(),
            prepared("name|\nfeature|x\ndefault_account|y").unwrap_err(),
            restored("name|svc\naccount|").unwrap_err(),
            removed("").unwrap_err(),
            removed("name|svc\nfeature|x").unwrap_err(),
        ];
        for reason in reasons {
            assert!(reason.contains("the package is not understood"), "{reason}");
        }
    }
}
