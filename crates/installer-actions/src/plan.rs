//! What is done with the service, which may be there already, changed by an administrator.

/// What is known of the service before anything is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Whether it is running, or about to be.
    pub running: bool,
    /// `SERVICE_AUTO_START` is 2, `SERVICE_DEMAND_START` 3, `SERVICE_DISABLED` 4.
    pub start: u32,
    /// Whether an automatic start is delayed.
    pub delayed: bool,
    /// Program and arguments.
    pub command: String,
    /// The account it runs under.
    pub account: String,
}

/// `SERVICE_AUTO_START`.
pub const AUTOMATIC: u32 = 2;
/// `SERVICE_DISABLED`.
pub const DISABLED: u32 = 4;

/// What was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// Whether the feature with the service will be there afterwards.
    pub wanted: bool,
    /// Whether the old version is removed by an upgrade, which adopts the service.
    pub upgrading: bool,
    /// The account that was given; empty if none was.
    pub account: &'a str,
    /// Whether a password was given with it.
    pub password: bool,
    /// `STARTSERVICE`, given or remembered: `0` or `1`.
    pub start: &'a str,
    /// What was remembered of it: empty, `0` or `1`.
    pub remembered_start: &'a str,
}

/// What is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// There will be a service.
    pub keep: bool,
    /// A service that nobody wants any more is deleted at the very end, when nothing can fail any more.
    pub remove: bool,
    /// The service is registered by Windows Installer, which sets account, start type and arguments.
    pub register: bool,
    /// The service is started at the end.
    pub start: bool,
}

/// A service that is there is adopted, with the account, start type and recovery that somebody chose for it,
/// unless another account is given. It is started if it ran before or is set to start by itself, and
/// starting is wanted at all. That it was not to start when it was new is no reason to leave one stopped that
/// somebody has started since.
pub fn plan(request: Request<'_>, existing: Option<&Service>) -> Plan {
    if !request.wanted {
        return Plan { remove: existing.is_some() && !request.upgrading, ..Plan::default() };
    }
    let may_start = existing
        .is_none_or(|service| service.start != DISABLED && (service.running || service.start == AUTOMATIC));
    let runs_since = request.remembered_start == "0" && existing.is_some_and(|service| service.running);
    // One that is the service's already changes nothing, unless it has another password now.
    let changes = |service: &Service| {
        !request.account.is_empty()
            && (request.password || !service.account.eq_ignore_ascii_case(request.account))
    };
    Plan {
        keep: true,
        remove: false,
        register: existing.is_none_or(changes),
        start: may_start && (request.start != "0" || runs_since),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: an upgrade resets a service, starts one that was not to run, or leaves one stopped that was.
    #[test]
    fn adopts_what_is_there() {
        let service = |running, start| Some(Service { running, start, ..Service::default() });
        for (account, start, existing, register, starts) in [
            ("", "1", None, true, true),
            ("", "", None, true, true),
            ("", "0", None, true, false),
            (r".\station", "1", None, true, true),
            ("", "1", service(true, AUTOMATIC), false, true),
            ("", "1", service(false, AUTOMATIC), false, true),
            ("", "0", service(false, AUTOMATIC), false, false),
            ("", "1", service(true, 3), false, true),
            ("", "1", service(false, 3), false, false),
            ("", "1", service(false, DISABLED), false, false),
            ("", "1", service(true, DISABLED), false, false),
            ("", "0", service(true, AUTOMATIC), false, false),
            (r".\station", "1", service(true, AUTOMATIC), true, true),
        ] {
            let request =
                Request { wanted: true, account, start, remembered_start: "1", ..Request::default() };
            let plan = plan(request, existing.as_ref());
            assert_eq!((plan.register, plan.start), (register, starts), "{request:?} {existing:?}");
            assert!(plan.keep && !plan.remove);
        }
        let own = Service { account: r".\Station".to_owned(), ..Service::default() };
        for (password, register) in [(false, false), (true, true)] {
            let request = Request { wanted: true, account: r".\station", password, ..Request::default() };
            assert_eq!(plan(request, Some(&own)).register, register, "with a password: {password}");
        }
        for (existing, starts) in [
            (service(true, AUTOMATIC), true),
            (service(true, 3), true),
            (service(false, AUTOMATIC), false),
            (service(true, DISABLED), false),
            (None, false),
        ] {
            let request = Request { wanted: true, start: "0", remembered_start: "0", ..Request::default() };
            assert_eq!(plan(request, existing.as_ref()).start, starts, "not to start at first: {existing:?}");
        }
        for (upgrading, existing, remove) in [
            (false, service(true, AUTOMATIC), true),
            (true, service(true, AUTOMATIC), false),
            (false, None, false),
        ] {
            let request = Request { upgrading, account: "x", start: "1", ..Request::default() };
            assert_eq!(plan(request, existing.as_ref()), Plan { remove, ..Plan::default() });
        }
    }
}
