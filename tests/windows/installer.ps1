<#
.SYNOPSIS
Installs, upgrades, repairs and removes the MSI on real Windows, and sends reports through its service.

.DESCRIPTION
What tests/acceptance/src/suites/wine proves in Wine, and what Wine cannot show: delayed start and recovery, access
rights, accounts with passwords, upgrades and removals that fail and are rolled back, files in use, the event log.

THIS SCRIPT HAS NEVER RUN, nor have the files beside it. They were written where there is no Windows; only their
grammar was checked. The first run of the workflow `ci` is their first test, too: what fails there may be wrong here.

Needs an elevated PowerShell (7, or Windows PowerShell 5.1) and a machine that may be thrown away: it refuses to
start where the product, its data or its policies are there already. It makes a share and a local user with a random
password, registers accounts for the logon as a service, and removes product, data, policies, share and user at its
end, also after a failure. Prints a line for every check; the last line says how many passed. The exit code is 1 if one
failed.

.EXAMPLE
tests/windows/installer.ps1 -Msi dist/pywats-client-VERSION-x64.msi -HigherMsi pywats-client-HIGHER-x64.msi `
    -SameMsi other/pywats-client-VERSION-x64.msi -TestServer target/debug/wats-test-server.exe -Logs logs
#>
param(
    # The package under test.
    [Parameter(Mandatory = $true)] [string] $Msi,
    # The same product at a higher version, best with other content; without it, nothing of upgrades is checked.
    [string] $HigherMsi = '',
    # The same version as -Msi with another program, of a higher file version; without it, that one replaces the
    # other is not checked.
    [string] $SameMsi = '',
    # The same version as -Msi for another processor: on Arm they replace each other, elsewhere Windows refuses the one
    # for Arm; without it, that is not checked.
    [string] $OtherMsi = '',
    # The program wats-test-server.
    [Parameter(Mandatory = $true)] [string] $TestServer,
    # The folder for the logs of Windows Installer.
    [string] $Logs = (Join-Path ([System.IO.Path]::GetTempPath()) 'pywats-installer-logs')
)

Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'
# Programs say by their exit codes what is asked of them here; PowerShell 7 would make errors of those.
$PSNativeCommandUseErrorActionPreference = $false

$ServiceName = 'pywats-client'
$DisplayName = 'pyWATS Client'
$SettingsKey = 'HKLM:\SOFTWARE\Virinco\pyWATS Client'
$PolicyKey = 'HKLM:\SOFTWARE\Policies\Virinco\pyWATS Client'
$Default = Join-Path $env:ProgramFiles 'pyWATS'
# Spaces, as administrators choose folders.
$Chosen = Join-Path $env:SystemDrive '\Test Station\py WATS'
# A watch folder with characters beyond ASCII. They are written as numbers: Windows PowerShell takes a script without a
# byte order mark for one in the code page of the system.
$Reports = Join-Path $env:SystemDrive "\Pr$([char] 0xfc)f Stand\Me$([char] 0xdf)daten"
# Where the standard user of the test finds what is for him, and writes what he answers.
$Exchange = Join-Path $env:SystemDrive '\pywats-exchange'
$Data = Join-Path $env:ProgramData 'pyWATS'
# A folder that is shared, and the name of the share.
$Shared = Join-Path $env:SystemDrive '\pywats-share'
$ShareName = 'pywats-test'
# A watch folder that a standard user asks for.
$PlantedWatch = Join-Path $env:SystemRoot 'Temp\made-by-user'
$Configuration = Join-Path $Data 'config.json'
$Sample = Join-Path $PSScriptRoot '..\fixtures\uut-wsjf-export.json'
# Below the folder of the program, and below that of Windows.
$Templates = @('PolicyDefinitions\pywats-client.admx', 'PolicyDefinitions\en-US\pywats-client.adml')
$UserName = 'pywats-test'
# How long a service may take to start, and a report to arrive.
$PatienceSeconds = 90
# user:password in base64, as the test server wants it.
$Token = 'dXNlcjpwYXNzd29yZA=='

# ERROR_INSTALL_FAILURE: refused, or failed and rolled back.
$InstallFailure = 1603
# ERROR_INSTALL_PLATFORM_UNSUPPORTED: for another processor.
$OtherPlatform = 1633
# ERROR_SUCCESS_REBOOT_REQUIRED.
$RebootRequired = 3010

$script:Passed = 0
$script:Failed = 0
$script:NotRun = 0
$script:Runs = 0
$script:LastLog = ''
$script:Server = $null
$script:Records = ''
$script:Foreground = $null
$script:CopiedTemplates = $false
$script:ShareMade = $false
$script:UserMade = $false

foreach ($part in @('checks', 'machine', 'users', 'reports', 'breaking', 'life', 'service', 'rights', 'planted',
        'properties', 'upgrades', 'maintenance', 'policies')) {
    . (Join-Path $PSScriptRoot "$part.ps1")
}

$Msi = (Resolve-Path $Msi).Path
if ($HigherMsi) { $HigherMsi = (Resolve-Path $HigherMsi).Path }
if ($SameMsi) { $SameMsi = (Resolve-Path $SameMsi).Path }
if ($OtherMsi) { $OtherMsi = (Resolve-Path $OtherMsi).Path }
$TestServer = (Resolve-Path $TestServer).Path
# Base64 may lack what Windows demands of passwords.
$UserPassword = "aA1!$(Get-RandomText)"
Assert-CleanMachine
$Logs = (New-Item -ItemType Directory -Force $Logs).FullName
$Work = Join-Path ([System.IO.Path]::GetTempPath()) ('pywats-' + [guid]::NewGuid().ToString('N'))
$null = New-Item -ItemType Directory $Work
$HealthPort = Get-FreePort
$ServerAddress = "127.0.0.1:$(Get-FreePort)"

# One installation from its beginning to its end.
function Test-Life {
    Test-Installation
    Test-Delivery
    $installed = $Msi
    if ($HigherMsi) {
        Test-Upgrade
        $installed = $HigherMsi
    } else {
        Write-NotRun 'upgrade and downgrade' 'no -HigherMsi'
    }
    Test-Repair $installed
    Test-Removal $installed
}

# Every section begins on a machine without the product. The last one may leave files that go with a restart.
$sections = @(
    @('one installation from beginning to end', { Test-Life }, ''),
    @('the service', { Test-ServiceSettings }, ''),
    @('the event log', { Test-EventSource }, ''),
    @('access rights', { Test-Rights }, ''),
    @('folders that a standard user made', { Test-PlantedFolders }, ''),
    @('the first configuration', { Test-FirstConfiguration }, ''),
    @('a watch folder on a share', { Test-SharedWatchFolder }, ''),
    @('settings that cannot work', { Test-Refusals }, ''),
    @('an account with a password', { Test-AccountWithPassword }, ''),
    @('features', { Test-Features }, ''),
    @('features that are chosen later', { Test-FeaturesChosenLater }, 'HigherMsi'),
    @('a service that is not started', { Test-ServiceNotStarted }, ''),
    @('removal of the data', { Test-Purge }, ''),
    @('a service that somebody has set up', { Test-Adoption }, 'HigherMsi'),
    @('upgrades that fail', { Test-FailedUpgrades }, 'HigherMsi'),
    @('an installation that fails', { Test-FailedInstallation }, ''),
    @('another package of the same version', { Test-SameVersion }, 'SameMsi'),
    @('a package for another processor', { Test-OtherProcessor }, 'OtherMsi'),
    @('repairs', { Test-Repairs }, ''),
    @('a repair by a standard user', { Test-RepairByUser }, ''),
    @('a removal that fails', { Test-FailedRemoval }, ''),
    @('administrative installation', { Test-Unpacking }, ''),
    @('advertisement', { Test-Advertisement }, ''),
    @('policies', { Test-Policies }, ''),
    @('files in use', { Test-FilesInUse }, 'HigherMsi')
)

try {
    New-TestUser
    Test-Signatures
    foreach ($section in $sections) {
        $name, $body, $needed = $section
        if ($needed -and -not (Get-Variable $needed -ValueOnly)) {
            Write-NotRun $name "no -$needed"
        } else {
            Test-Section $name $body
        }
    }
} finally {
    Clear-Machine
}
Write-Host "$($script:Passed) passed, $($script:Failed) failed, $($script:NotRun) not run"
# Said in either case: else the exit code would be that of the last program that ran.
exit [int] ($script:Failed -gt 0)
