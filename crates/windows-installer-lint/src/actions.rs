//! What the [standard actions](windows_installer::standard_actions) are for: which tables they carry out, and which
//! of them a sequence has to have, or may have.

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

/// Whether a standard action must not depend on a condition.
pub(super) fn is_unconditional(name: &str) -> bool {
    name == "FileCost" || (REQUIRED.contains(&name) && name != "RegisterUser")
}

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
    use windows_installer::standard_actions::standard;

    /// Fails if: a table of this file names an action that there is not.
    #[test]
    fn actions_exist() {
        let carried = CARRIES.iter().flat_map(|carries| carries.actions);
        for name in carried.chain(REQUIRED).chain(ADVERTISING) {
            assert!(standard(name).is_some(), "{name}");
        }
    }
}
