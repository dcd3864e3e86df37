//! What Windows Installer itself sets and knows.

/// Folders that Windows sets, from
/// [system folder properties](https://learn.microsoft.com/en-us/windows/win32/msi/property-reference), except
/// for those of one user.
pub(super) const MACHINE_FOLDERS: &[&str] = &[
    "CommonAppDataFolder",
    "CommonFiles64Folder",
    "CommonFilesFolder",
    "FontsFolder",
    "GAC_FOLDER",
    "GlobalAssemblyCache",
    "ProgramFiles64Folder",
    "ProgramFilesFolder",
    "System16Folder",
    "System64Folder",
    "SystemFolder",
    "WindowsFolder",
    "WindowsVolume",
    "PrimaryFolder",
    "ROOTDRIVE",
    "SOURCEDIR",
    "SourceDir",
    "TARGETDIR",
];

/// Folders that belong to one user. The first are everybody's in an installation per machine.
pub(super) const SHARED_BY_ALLUSERS: &[&str] = &[
    "AdminToolsFolder",
    "DesktopFolder",
    "ProgramMenuFolder",
    "StartMenuFolder",
    "StartupFolder",
    "TemplateFolder",
];

/// Folders that belong to one user, however the product is installed.
pub(super) const USER_FOLDERS: &[&str] = &[
    "AppDataFolder",
    "FavoritesFolder",
    "LocalAppDataFolder",
    "LocalAppDataLowFolder",
    "MyPicturesFolder",
    "NetHoodFolder",
    "PersonalFolder",
    "PrintHoodFolder",
    "RecentFolder",
    "SendToFolder",
    "TempFolder",
];

/// Folders for 64-bit and for 32-bit components.
pub(super) const FOLDERS_64_BIT: &[&str] = &["CommonFiles64Folder", "ProgramFiles64Folder", "System64Folder"];
pub(super) const FOLDERS_32_BIT: &[&str] = &["CommonFilesFolder", "ProgramFilesFolder"];

/// Properties that Windows Installer sets, or reads when they are set, from the
/// [property reference](https://learn.microsoft.com/en-us/windows/win32/msi/property-reference). Those that
/// begin with `ARP`, `MSI`, `Msi` or `VersionNT` are recognised by that.
const PROPERTIES: &[&str] = &[
    "ACTION",
    "ADDDEFAULT",
    "ADDLOCAL",
    "ADDSOURCE",
    "ADVERTISE",
    "AFTERREBOOT",
    "ALLUSERS",
    "AVAILABLEFREEREG",
    "AdminProperties",
    "AdminUser",
    "Alpha",
    "BorderSide",
    "BorderTop",
    "CCP_DRIVE",
    "CCP_Success",
    "CCP_TEST",
    "COMPADDDEFAULT",
    "COMPADDLOCAL",
    "COMPADDSOURCE",
    "COMPANYNAME",
    "CaptionHeight",
    "ColorBits",
    "ComputerName",
    "CostingComplete",
    "CustomActionData",
    "DISABLEADVTSHORTCUTS",
    "DISABLEMEDIA",
    "DISABLEROLLBACK",
    "Date",
    "DefaultUIFont",
    "DiskPrompt",
    "EXECUTEACTION",
    "EXECUTEMODE",
    "EnableUserControl",
    "ErrorDialog",
    "FASTOEM",
    "FILEADDDEFAULT",
    "FILEADDLOCAL",
    "FILEADDSOURCE",
    "FileInUseProcess",
    "INSTALLLEVEL",
    "Installed",
    "Intel",
    "Intel64",
    "IsAdminPackage",
    "LIMITUI",
    "LOGACTION",
    "LeftUnit",
    "LogonUser",
    "MEDIAPACKAGEPATH",
    "Manufacturer",
    "NOCOMPANYNAME",
    "NOUSERNAME",
    "OLEAdvtSupport",
    "OriginalDatabase",
    "OutOfDiskSpace",
    "OutOfNoRbDiskSpace",
    "PATCH",
    "PATCHNEWPACKAGECODE",
    "PATCHNEWSUMMARYCOMMENTS",
    "PATCHNEWSUMMARYSUBJECT",
    "PIDKEY",
    "PIDTemplate",
    "PRIMARYFOLDER",
    "PROMPTROLLBACKCOST",
    "ParentOriginalDatabase",
    "ParentProductCode",
    "PatchFilesInUse",
    "PhysicalMemory",
    "Preselected",
    "PrimaryVolumePath",
    "PrimaryVolumeSpaceAvailable",
    "PrimaryVolumeSpaceRemaining",
    "PrimaryVolumeSpaceRequired",
    "Privileged",
    "ProductCode",
    "ProductID",
    "ProductLanguage",
    "ProductName",
    "ProductState",
    "ProductVersion",
    "Progress1",
    "Progress2",
    "REBOOT",
    "REBOOTPROMPT",
    "REINSTALL",
    "REINSTALLMODE",
    "REMOVE",
    "RESUME",
    "RTLUnits",
    "RedirectedDllSupport",
    "RemoteAdminTS",
    "ReplacedInUseFiles",
    "RestrictedUserControl",
    "RollbackDisabled",
    "SEQUENCE",
    "SHORTFILENAMES",
    "ScreenX",
    "ScreenY",
    "SecureCustomProperties",
    "ServicePackLevel",
    "ServicePackLevelMinor",
    "SharedWindows",
    "ShellAdvtSupport",
    "SourcedirProduct",
    "SystemLanguageID",
    "TRANSFORMS",
    "TRANSFORMSATSOURCE",
    "TRANSFORMSSECURE",
    "TTCSupport",
    "TerminalServer",
    "TextHeight",
    "TextHeightCorrection",
    "Time",
    "UILevel",
    "UPGRADINGPRODUCTCODE",
    "USERNAME",
    "UpdateStarted",
    "UpgradeCode",
    "UserLanguageID",
    "UserSID",
    "Version9X",
    "VersionDatabase",
    "VersionMsi",
    "VirtualMemory",
    "WindowsBuild",
];
const PREFIXES: &[&str] = &["ARP", "MSI", "Msi", "VersionNT"];

/// Whether Windows Installer knows the property by itself.
pub(super) fn is_standard_property(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || is_listed_property(name) || is_folder(name)
}

/// Whether the name is in the reference of properties. Others with the prefixes may be anybody's.
pub(super) fn is_listed_property(name: &str) -> bool {
    PROPERTIES.contains(&name)
}

/// Whether Windows sets the property to a folder.
pub(super) fn is_folder(name: &str) -> bool {
    [MACHINE_FOLDERS, SHARED_BY_ALLUSERS, USER_FOLDERS].iter().any(|folders| folders.contains(&name))
}

/// Whether the property can be set on the command line: its name has no lower-case letter.
pub(super) fn is_public(name: &str) -> bool {
    !name.contains(char::is_lowercase)
}

/// Whether the name of a property says that its value is a secret.
pub(super) fn sounds_secret(name: &str) -> bool {
    let upper = name.to_uppercase();
    // A file with a secret is named openly; only what is in it must not be seen.
    let upper = upper.replace("TOKENFILE", "").replace("TOKEN_FILE", "");
    let upper = upper.replace("PASSWORDFILE", "").replace("PASSWORD_FILE", "");
    ["PASSWORD", "PASSWD", "TOKEN", "SECRET"].iter().any(|word| upper.contains(word))
}
