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

/// Properties that say what is to be done this time.
pub(super) const COMMAND_LINE: &[&str] = &[
    "ADDDEFAULT",
    "ADDLOCAL",
    "ADDSOURCE",
    "ADVERTISE",
    "COMPADDLOCAL",
    "COMPADDSOURCE",
    "FILEADDDEFAULT",
    "FILEADDLOCAL",
    "FILEADDSOURCE",
    "REINSTALL",
    "REMOVE",
];

/// Properties that only Windows sets: a value in the table would be overwritten or would lie.
pub(super) const READ_ONLY: &[&str] = &[
    "AdminUser",
    "Arm64",
    "ComputerName",
    "Installed",
    "Intel",
    "Intel64",
    "LogonUser",
    "MsiAMD64",
    "Msix64",
    "MsiNTProductType",
    "OriginalDatabase",
    "PhysicalMemory",
    "Privileged",
    "ServicePackLevel",
    "SystemLanguageID",
    "UILevel",
    "UPGRADINGPRODUCTCODE",
    "UserSID",
    "VersionDatabase",
    "VersionMsi",
    "VersionNT",
    "VersionNT64",
    "WindowsBuild",
];

/// Other properties that Windows Installer sets, or reads when they are set, from the
/// [property reference](https://learn.microsoft.com/en-us/windows/win32/msi/property-reference). Those that
/// begin with `ARP`, `MSI`, `Msi` or `VersionNT` are recognised by that.
const PROPERTIES: &[&str] = &[
    "ACTION",
    "AFTERREBOOT",
    "ALLUSERS",
    "AVAILABLEFREEREG",
    "AdminProperties",
    "Alpha",
    "BorderSide",
    "BorderTop",
    "CCP_DRIVE",
    "CCP_Success",
    "CCP_TEST",
    "COMPADDDEFAULT",
    "COMPANYNAME",
    "CaptionHeight",
    "ColorBits",
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
    "FileInUseProcess",
    "INSTALLLEVEL",
    "IsAdminPackage",
    "LIMITUI",
    "LOGACTION",
    "LeftUnit",
    "MEDIAPACKAGEPATH",
    "Manufacturer",
    "NOCOMPANYNAME",
    "NOUSERNAME",
    "OLEAdvtSupport",
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
    "Preselected",
    "PrimaryVolumePath",
    "PrimaryVolumeSpaceAvailable",
    "PrimaryVolumeSpaceRemaining",
    "PrimaryVolumeSpaceRequired",
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
    "REINSTALLMODE",
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
    "ServicePackLevelMinor",
    "SharedWindows",
    "ShellAdvtSupport",
    "SourcedirProduct",
    "TRANSFORMS",
    "TRANSFORMSATSOURCE",
    "TRANSFORMSSECURE",
    "TTCSupport",
    "TerminalServer",
    "TextHeight",
    "TextHeightCorrection",
    "Time",
    "USERNAME",
    "UpdateStarted",
    "UpgradeCode",
    "UserLanguageID",
    "Version9X",
    "VirtualMemory",
];
const PREFIXES: &[&str] = &["ARP", "MSI", "Msi", "VersionNT"];

/// Whether Windows Installer knows the property by itself.
pub(super) fn is_standard_property(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || is_listed_property(name) || is_folder(name)
}

/// Whether the name is in the reference of properties. Others with the prefixes may be anybody's.
pub(super) fn is_listed_property(name: &str) -> bool {
    [COMMAND_LINE, READ_ONLY, PROPERTIES].iter().any(|list| list.contains(&name))
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
