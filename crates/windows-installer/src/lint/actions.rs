//! The [standard actions](https://learn.microsoft.com/en-us/windows/win32/msi/standard-actions-reference): where
//! each may be, what has to come before it, and which tables it carries out.
//!
//! [`crate::sequence::STANDARD`] says where our own packages have them; other packages may do otherwise, within
//! what Microsoft documents for each action.

/// In which part of a sequence an action makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Anywhere.
    Any,
    /// Before `InstallInitialize`.
    Before,
    /// Between `InstallInitialize` and `InstallFinalize`, because it writes the script that is carried out.
    Script,
}

/// A standard action.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) name: &'static str,
    pub(super) part: Part,
    /// Actions that must be in the sequence, before it.
    pub(super) needs: &'static [&'static str],
    /// Actions that come before it when they are in the sequence.
    pub(super) after: &'static [&'static str],
}

const fn any(name: &'static str, needs: &'static [&'static str], after: &'static [&'static str]) -> Action {
    Action { name, part: Part::Any, needs, after }
}

const fn before(
    name: &'static str,
    needs: &'static [&'static str],
    after: &'static [&'static str],
) -> Action {
    Action { name, part: Part::Before, needs, after }
}

const fn script(name: &'static str, after: &'static [&'static str]) -> Action {
    Action { name, part: Part::Script, needs: &[], after }
}

/// Every standard action of a sequence.
pub(super) const ACTIONS: &[Action] = &[
    script("AllocateRegistrySpace", &[]),
    before("AppSearch", &[], &[]),
    script("BindImage", &["InstallFiles"]),
    before("CCPSearch", &[], &[]),
    before("CostFinalize", &["CostInitialize"], &["FileCost", "IsolateComponents"]),
    before("CostInitialize", &[], &[]),
    script("CreateFolders", &["RemoveFolders"]),
    script("CreateShortcuts", &["InstallFiles", "RemoveShortcuts"]),
    script("DeleteServices", &["StopServices"]),
    any("DisableRollback", &[], &[]),
    script("DuplicateFiles", &["InstallFiles", "RemoveDuplicateFiles"]),
    any("ExecuteAction", &["CostFinalize"], &[]),
    before("FileCost", &["CostInitialize"], &[]),
    before("FindRelatedProducts", &[], &[]),
    any("ForceReboot", &[], &["RegisterProduct", "RegisterUser", "PublishProduct", "PublishFeatures"]),
    script("InstallAdminPackage", &[]),
    script("InstallExecute", &[]),
    script("InstallExecuteAgain", &["InstallExecute"]),
    script("InstallFiles", &["RemoveFiles"]),
    any("InstallFinalize", &["InstallInitialize"], &[]),
    any("InstallInitialize", &["InstallValidate"], &[]),
    script("InstallODBC", &["InstallFiles", "RemoveODBC"]),
    script("InstallSFPCatalogFile", &[]),
    script("InstallServices", &["InstallFiles", "DeleteServices"]),
    before("InstallValidate", &["CostFinalize"], &[]),
    before("IsolateComponents", &["CostInitialize"], &[]),
    any("LaunchConditions", &[], &[]),
    before("MigrateFeatureStates", &["CostFinalize"], &["FindRelatedProducts"]),
    script("MoveFiles", &[]),
    script("MsiConfigureServices", &["InstallServices"]),
    script("MsiPublishAssemblies", &[]),
    script("MsiUnpublishAssemblies", &[]),
    script("PatchFiles", &["InstallFiles"]),
    script("ProcessComponents", &[]),
    script("PublishComponents", &["UnpublishComponents"]),
    script("PublishFeatures", &[]),
    script("PublishProduct", &["PublishFeatures"]),
    before("RMCCPSearch", &[], &["CCPSearch"]),
    script("RegisterClassInfo", &["InstallFiles", "UnregisterClassInfo"]),
    script("RegisterComPlus", &["InstallFiles", "UnregisterComPlus"]),
    script("RegisterExtensionInfo", &["InstallFiles", "UnregisterExtensionInfo"]),
    script("RegisterFonts", &["InstallFiles", "UnregisterFonts"]),
    script("RegisterMIMEInfo", &["UnregisterMIMEInfo"]),
    script("RegisterProduct", &[]),
    script("RegisterProgIdInfo", &["InstallFiles", "UnregisterProgIdInfo"]),
    script("RegisterTypeLibraries", &["InstallFiles"]),
    script("RegisterUser", &[]),
    script("RemoveDuplicateFiles", &[]),
    script("RemoveEnvironmentStrings", &[]),
    // Its places are judged by a rule of their own.
    any("RemoveExistingProducts", &["FindRelatedProducts"], &["InstallValidate"]),
    script("RemoveFiles", &[]),
    script("RemoveFolders", &["RemoveFiles"]),
    script("RemoveIniValues", &[]),
    script("RemoveODBC", &[]),
    script("RemoveRegistryValues", &[]),
    script("RemoveShortcuts", &[]),
    any("ResolveSource", &["CostInitialize"], &[]),
    any("ScheduleReboot", &[], &[]),
    script("SelfRegModules", &["InstallFiles"]),
    script("SelfUnregModules", &[]),
    any("SetODBCFolders", &["CostFinalize"], &[]),
    script("StartServices", &["InstallServices", "StopServices", "MsiConfigureServices"]),
    script("StopServices", &[]),
    script("UnpublishComponents", &[]),
    script("UnpublishFeatures", &[]),
    script("UnregisterClassInfo", &[]),
    script("UnregisterComPlus", &[]),
    script("UnregisterExtensionInfo", &[]),
    script("UnregisterFonts", &[]),
    script("UnregisterMIMEInfo", &[]),
    script("UnregisterProgIdInfo", &[]),
    script("UnregisterTypeLibraries", &[]),
    any("ValidateProductID", &[], &[]),
    script("WriteEnvironmentStrings", &["RemoveEnvironmentStrings"]),
    script("WriteIniValues", &["RemoveIniValues"]),
    script("WriteRegistryValues", &["RemoveRegistryValues"]),
];

/// The standard action of a name.
pub(super) fn standard(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.name == name)
}

/// Which rows of a table an action carries out: those with one of the bits in the column, or all.
pub(super) struct Carries {
    pub(super) table: &'static str,
    pub(super) only: Option<(&'static str, i32)>,
    pub(super) actions: &'static [&'static str],
}

const fn all(table: &'static str, actions: &'static [&'static str]) -> Carries {
    Carries { table, only: None, actions }
}

const fn some(
    table: &'static str,
    column: &'static str,
    bits: i32,
    actions: &'static [&'static str],
) -> Carries {
    Carries { table, only: Some((column, bits)), actions }
}

/// Without which actions of `InstallExecuteSequence` the rows of a table mean nothing.
pub(super) const CARRIES: &[Carries] = &[
    all("AppSearch", &["AppSearch"]),
    all("BindImage", &["BindImage"]),
    all("CCPSearch", &["CCPSearch"]),
    all("Class", &["RegisterClassInfo", "UnregisterClassInfo"]),
    all("Complus", &["RegisterComPlus", "UnregisterComPlus"]),
    all("CreateFolder", &["CreateFolders", "RemoveFolders"]),
    all("DuplicateFile", &["DuplicateFiles", "RemoveDuplicateFiles"]),
    all("Environment", &["WriteEnvironmentStrings", "RemoveEnvironmentStrings"]),
    all("Extension", &["RegisterExtensionInfo", "UnregisterExtensionInfo"]),
    all("File", &["InstallFiles", "RemoveFiles"]),
    all("Font", &["RegisterFonts", "UnregisterFonts"]),
    all("IniFile", &["WriteIniValues", "RemoveIniValues"]),
    all("IsolatedComponent", &["IsolateComponents"]),
    all("LaunchCondition", &["LaunchConditions"]),
    all("MIME", &["RegisterMIMEInfo", "UnregisterMIMEInfo"]),
    all("MoveFile", &["MoveFiles"]),
    all("MsiAssembly", &["MsiPublishAssemblies", "MsiUnpublishAssemblies"]),
    all("MsiServiceConfig", &["MsiConfigureServices"]),
    all("MsiServiceConfigFailureActions", &["MsiConfigureServices"]),
    all("ODBCDataSource", &["InstallODBC", "RemoveODBC"]),
    all("ODBCDriver", &["InstallODBC", "RemoveODBC"]),
    all("ProgId", &["RegisterProgIdInfo", "UnregisterProgIdInfo"]),
    all("PublishComponent", &["PublishComponents", "UnpublishComponents"]),
    all("Registry", &["WriteRegistryValues", "RemoveRegistryValues"]),
    all("RemoveFile", &["RemoveFiles"]),
    all("RemoveIniFile", &["RemoveIniValues"]),
    all("RemoveRegistry", &["RemoveRegistryValues"]),
    all("SelfReg", &["SelfRegModules", "SelfUnregModules"]),
    some("ServiceControl", "Event", 0x01 | 0x10, &["StartServices"]),
    some("ServiceControl", "Event", 0x02 | 0x20, &["StopServices"]),
    some("ServiceControl", "Event", 0x08 | 0x80, &["DeleteServices"]),
    all("ServiceInstall", &["InstallServices"]),
    all("Shortcut", &["CreateShortcuts", "RemoveShortcuts"]),
    all("TypeLib", &["RegisterTypeLibraries", "UnregisterTypeLibraries"]),
    all("Upgrade", &["FindRelatedProducts"]),
];

/// Standard actions without which `InstallExecuteSequence` does not install a product.
pub(super) const REQUIRED: &[&str] = &[
    "CostInitialize",
    "CostFinalize",
    "InstallValidate",
    "InstallInitialize",
    "ProcessComponents",
    "RegisterProduct",
    "RegisterUser",
    "PublishFeatures",
    "PublishProduct",
    "UnpublishFeatures",
    "InstallFinalize",
];

/// Standard actions that must not depend on a condition.
pub(super) const UNCONDITIONAL: &[&str] = &[
    "CostInitialize",
    "CostFinalize",
    "FileCost",
    "InstallValidate",
    "InstallInitialize",
    "ProcessComponents",
    "PublishFeatures",
    "PublishProduct",
    "RegisterProduct",
    "UnpublishFeatures",
    "InstallFinalize",
];

/// The only standard actions of `AdvtExecuteSequence`.
pub(super) const ADVERTISING: &[&str] = &[
    "CostInitialize",
    "CostFinalize",
    "CreateShortcuts",
    "InstallFinalize",
    "InstallInitialize",
    "InstallValidate",
    "MsiPublishAssemblies",
    "PublishComponents",
    "PublishFeatures",
    "PublishProduct",
    "RegisterClassInfo",
    "RegisterExtensionInfo",
    "RegisterMIMEInfo",
    "RegisterProgIdInfo",
    "RegisterTypeLibraries",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a table of this file names an action that there is not, or our own sequence knows an
    /// action that this table does not, or orders two actions the other way round.
    #[test]
    fn tables_agree() {
        let known: fn(&&str) = |name| assert!(standard(name).is_some(), "{name}");
        ACTIONS.iter().for_each(|action| action.needs.iter().chain(action.after).for_each(known));
        CARRIES.iter().for_each(|carries| carries.actions.iter().for_each(known));
        [REQUIRED, UNCONDITIONAL, ADVERTISING].concat().iter().for_each(known);
        let number = |name: &str| crate::sequence::standard(name).map(|ours| ours.number);
        for ours in crate::sequence::STANDARD {
            let action = standard(ours.name).unwrap_or_else(|| panic!("{}", ours.name));
            for earlier in action.needs.iter().chain(action.after) {
                assert!(number(earlier).is_none_or(|number| number < ours.number), "{earlier} {}", ours.name);
            }
        }
        assert!(ACTIONS.is_sorted_by(|a, b| a.name < b.name), "not in alphabetical order");
    }
}
