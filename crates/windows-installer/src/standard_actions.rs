//! The [standard actions](https://learn.microsoft.com/en-us/windows/win32/msi/standard-actions-reference): where
//! each may be, what has to come before it, and where our own packages have it.
//!
//! The numbers are those that Microsoft's own template database gives them. Other packages may do otherwise,
//! within what Microsoft documents for each action; the crate `windows-installer-lint` judges that.

/// In which part of a sequence an action makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Anywhere.
    Any,
    /// Before `InstallInitialize`.
    Before,
    /// Between `InstallInitialize` and `InstallFinalize`, because it writes the script that is carried out.
    Script,
}

type Names = &'static [&'static str];

/// A standard action.
#[derive(Debug)]
pub struct Action {
    /// What it is called.
    pub name: &'static str,
    /// Where it makes sense.
    pub part: Part,
    /// Actions that must be in the sequence, before it.
    pub needs: Names,
    /// Actions that come before it when they are in the sequence.
    pub after: Names,
    /// Its sequence number in our packages, if they can have it.
    pub number: Option<i16>,
}

const fn any(name: &'static str, needs: Names, after: Names) -> Action {
    Action { name, part: Part::Any, needs, after, number: None }
}

const fn before(name: &'static str, needs: Names, after: Names) -> Action {
    Action { part: Part::Before, ..any(name, needs, after) }
}

const fn script(name: &'static str, after: Names) -> Action {
    Action { part: Part::Script, ..any(name, &[], after) }
}

impl Action {
    const fn at(self, number: i16) -> Action {
        Action { number: Some(number), ..self }
    }
}

/// Every standard action of a sequence.
pub const ACTIONS: &[Action] = &[
    script("AllocateRegistrySpace", &[]),
    before("AppSearch", &[], &[]).at(50),
    script("BindImage", &["InstallFiles"]),
    before("CCPSearch", &[], &[]),
    before("CostFinalize", &["CostInitialize"], &["FileCost", "IsolateComponents"]).at(1000),
    before("CostInitialize", &[], &[]).at(800),
    script("CreateFolders", &["RemoveFolders"]).at(3700),
    script("CreateShortcuts", &["InstallFiles", "RemoveShortcuts"]).at(4500),
    script("DeleteServices", &["StopServices"]).at(2000),
    any("DisableRollback", &[], &[]),
    script("DuplicateFiles", &["InstallFiles", "RemoveDuplicateFiles"]),
    any("ExecuteAction", &["CostFinalize"], &[]).at(1300),
    before("FileCost", &["CostInitialize"], &[]).at(900),
    before("FindRelatedProducts", &[], &[]).at(25),
    any("ForceReboot", &[], &["RegisterProduct", "RegisterUser", "PublishProduct", "PublishFeatures"]),
    script("InstallAdminPackage", &[]).at(3900),
    script("InstallExecute", &[]),
    script("InstallExecuteAgain", &["InstallExecute"]),
    script("InstallFiles", &["RemoveFiles"]).at(4000),
    any("InstallFinalize", &["InstallInitialize"], &[]).at(6600),
    any("InstallInitialize", &["InstallValidate"], &[]).at(1500),
    script("InstallODBC", &["InstallFiles", "RemoveODBC"]),
    script("InstallSFPCatalogFile", &[]),
    script("InstallServices", &["InstallFiles", "DeleteServices"]).at(5800),
    before("InstallValidate", &["CostFinalize"], &[]).at(1400),
    before("IsolateComponents", &["CostInitialize"], &[]),
    any("LaunchConditions", &[], &[]).at(100),
    before("MigrateFeatureStates", &["CostFinalize"], &["FindRelatedProducts"]).at(1200),
    script("MoveFiles", &[]),
    script("MsiConfigureServices", &["InstallServices"]),
    script("MsiPublishAssemblies", &[]),
    script("MsiUnpublishAssemblies", &[]),
    script("PatchFiles", &["InstallFiles"]),
    script("ProcessComponents", &[]).at(1600),
    script("PublishComponents", &["UnpublishComponents"]),
    script("PublishFeatures", &[]).at(6300),
    script("PublishProduct", &["PublishFeatures"]).at(6400),
    before("RMCCPSearch", &[], &["CCPSearch"]),
    script("RegisterClassInfo", &["InstallFiles", "UnregisterClassInfo"]),
    script("RegisterComPlus", &["InstallFiles", "UnregisterComPlus"]),
    script("RegisterExtensionInfo", &["InstallFiles", "UnregisterExtensionInfo"]),
    script("RegisterFonts", &["InstallFiles", "UnregisterFonts"]),
    script("RegisterMIMEInfo", &["UnregisterMIMEInfo"]),
    script("RegisterProduct", &[]).at(6100),
    script("RegisterProgIdInfo", &["InstallFiles", "UnregisterProgIdInfo"]),
    script("RegisterTypeLibraries", &["InstallFiles"]),
    script("RegisterUser", &[]).at(6000),
    script("RemoveDuplicateFiles", &[]),
    script("RemoveEnvironmentStrings", &[]).at(3300),
    // Its four places are judged by a rule of their own. Here it removes the old version inside the transaction
    // of the new one, so that whatever fails later brings the old version back, and before anything of the new
    // version is written, so that no rule about versions or dates of files keeps an old file.
    any("RemoveExistingProducts", &["FindRelatedProducts"], &["InstallValidate"]).at(1550),
    script("RemoveFiles", &[]).at(3500),
    script("RemoveFolders", &["RemoveFiles"]).at(3600),
    script("RemoveIniValues", &[]).at(3100),
    script("RemoveODBC", &[]),
    script("RemoveRegistryValues", &[]).at(2600),
    script("RemoveShortcuts", &[]).at(3200),
    any("ResolveSource", &["CostInitialize"], &[]),
    any("ScheduleReboot", &[], &[]),
    script("SelfRegModules", &["InstallFiles"]),
    script("SelfUnregModules", &[]),
    any("SetODBCFolders", &["CostFinalize"], &[]),
    script("StartServices", &["InstallServices", "StopServices", "MsiConfigureServices"]).at(5900),
    script("StopServices", &[]).at(1900),
    script("UnpublishComponents", &[]),
    script("UnpublishFeatures", &[]).at(1800),
    script("UnregisterClassInfo", &[]),
    script("UnregisterComPlus", &[]),
    script("UnregisterExtensionInfo", &[]),
    script("UnregisterFonts", &[]),
    script("UnregisterMIMEInfo", &[]),
    script("UnregisterProgIdInfo", &[]),
    script("UnregisterTypeLibraries", &[]),
    any("ValidateProductID", &[], &[]).at(700),
    script("WriteEnvironmentStrings", &["RemoveEnvironmentStrings"]).at(5200),
    script("WriteIniValues", &["RemoveIniValues"]).at(5100),
    script("WriteRegistryValues", &["RemoveRegistryValues"]).at(5000),
];

/// The standard action of a name.
pub fn standard(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: an action comes after one that there is not, or that our own packages have later.
    #[test]
    fn actions_are_in_order() {
        assert!(ACTIONS.is_sorted_by(|a, b| a.name < b.name), "not in alphabetical order");
        for action in ACTIONS {
            for earlier in action.needs.iter().chain(action.after) {
                let earlier = standard(earlier).unwrap_or_else(|| panic!("{} after {earlier}", action.name));
                let swapped = earlier.number.zip(action.number).is_some_and(|(first, then)| first >= then);
                assert!(!swapped, "{} after {}", action.name, earlier.name);
            }
        }
    }
}
