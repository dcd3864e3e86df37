<#
.SYNOPSIS
Installs, upgrades, repairs and removes the MSI on real Windows, and sends reports through its service.

.DESCRIPTION
The same life as in tests/bench/src/suites/wine, and what Wine cannot show: delayed start, recovery, repair.

THIS SCRIPT HAS NEVER RUN. It was written where there is no Windows; only its grammar was checked. The first
run of the workflow `ci` is its first test, too.

Needs an elevated PowerShell (7, or Windows PowerShell 5.1) and a machine that may be thrown away: it refuses to
start where the product or its data is there already, and removes both at its end. Prints a line for every check;
the last line says how many passed. The exit code is 1 if one failed.

.EXAMPLE
tests/windows/installer.ps1 -Msi dist/pywats-client-0.1.0-x64.msi -HigherMsi pywats-client-255.0.0-x64.msi `
    -TestServer target/debug/wats-test-server.exe -Logs logs
#>
param(
    # The package under test.
    [Parameter(Mandatory = $true)] [string] $Msi,
    # The same product at a higher version; without it, upgrade and downgrade are not checked.
    [string] $HigherMsi = '',
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
$Default = Join-Path $env:ProgramFiles 'pyWATS'
# Spaces, as administrators choose folders.
$Chosen = Join-Path $env:SystemDrive '\Test Station\py WATS'
$Data = Join-Path $env:ProgramData 'pyWATS'
$Configuration = Join-Path $Data 'config.json'
$Sample = Join-Path $PSScriptRoot '..\fixtures\uut-wsjf-export.json'
# How long a service may take to start, and a report to arrive.
$PatienceSeconds = 90
# user:password in base64, as the test server wants it.
$Token = 'dXNlcjpwYXNzd29yZA=='

# ERROR_INSTALL_FAILURE: a launch condition was not met.
$InstallFailure = 1603

$script:Passed = 0
$script:Failed = 0
$script:Runs = 0
$script:LastLog = ''
$script:Server = $null
$script:Records = ''

# --- Checks ---------------------------------------------------------------------------------------------------

# Runs one check: it has passed unless it throws.
function Test-Claim([string] $Claim, [scriptblock] $Check) {
    try {
        & $Check | Out-Null
        $script:Passed++
        Write-Host "passed: $Claim"
    } catch {
        $script:Failed++
        Write-Host "FAILED: ${Claim}: $($_.Exception.Message)"
        $_.ScriptStackTrace -split "`n" | ForEach-Object { Write-Host "    $_" }
        Show-Traces
    }
}

function Assert-That([bool] $Condition, [string] $Complaint) {
    if (-not $Condition) { throw $Complaint }
}

function Wait-Until([string] $Complaint, [scriptblock] $Condition) {
    $end = (Get-Date).AddSeconds($PatienceSeconds)
    while (-not (& $Condition)) {
        if ((Get-Date) -gt $end) { throw "$Complaint within $PatienceSeconds s" }
        Start-Sleep -Milliseconds 250
    }
}

# What helps to understand a failure: the ends of the logs, and the data folder.
function Show-Traces {
    foreach ($log in @($script:LastLog, (Join-Path $Data 'logs\pywats-client.log'))) {
        if ($log -and (Test-Path $log)) {
            Write-Host "    the end of ${log}:"
            # Windows Installer ends its log with all properties, which tells nothing of what happened.
            $lines = @(Get-Content $log | Where-Object { $_ -notmatch '^Property\(' } | Select-Object -Last 25)
            $lines | ForEach-Object { Write-Host "      $_" }
        }
    }
    if (Test-Path $Data) {
        Get-ChildItem -Recurse -File $Data | ForEach-Object { Write-Host "      $($_.FullName) $($_.Length)" }
    }
}

# --- Windows Installer and the service ------------------------------------------------------------------------

# Runs msiexec silently, with a log of its own; returns its exit code.
function Invoke-Msiexec([string] $Arguments) {
    $script:Runs++
    $script:LastLog = Join-Path $Logs ('{0:d2}.log' -f $script:Runs)
    $line = "$Arguments /qn /norestart /l*v `"$($script:LastLog)`""
    Write-Host "    msiexec $line"
    $process = Start-Process -FilePath 'msiexec.exe' -ArgumentList $line -PassThru
    # Without a handle taken before the end, Windows PowerShell does not know the exit code after it.
    $null = $process.Handle
    if (-not $process.WaitForExit(300000)) {
        $process.Kill()
        throw 'msiexec has not ended after 5 minutes'
    }
    return $process.ExitCode
}

function Install-Client([string] $Package, [string] $Properties = '') {
    $code = Invoke-Msiexec "/i `"$Package`" $Properties"
    Assert-That ($code -eq 0) "the installation ended with $code"
    Assert-That ((Get-Item $script:LastLog).Length -gt 0) 'the installation wrote no log'
}

function Get-ClientService {
    return Get-Service -Name $ServiceName -ErrorAction SilentlyContinue
}

# The process of the service; 0 while it has none.
function Get-ServiceProcess {
    return (Get-CimInstance Win32_Service -Filter "Name='$ServiceName'").ProcessId
}

function Assert-Running {
    Wait-Until 'the service did not run' {
        $service = Get-ClientService
        $null -ne $service -and $service.Status -eq 'Running'
    }
}

function Assert-Program([string] $Folder, [string] $Elsewhere) {
    foreach ($name in @('pywats-client.exe', 'LICENSE.txt')) {
        Assert-That (Test-Path (Join-Path $Folder $name)) "$name is not in $Folder"
    }
    Assert-That (-not (Test-Path $Elsewhere)) "there is something in $Elsewhere"
}

# A value of the product's registry key; empty if there is none.
function Get-Setting([string] $Name) {
    if (-not (Test-Path $SettingsKey)) { return '' }
    return [string] (Get-Item $SettingsKey).GetValue($Name, '')
}

function Test-Listed {
    $keys = Get-ChildItem 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall'
    return @($keys | Where-Object { $_.GetValue('DisplayName', '') -eq $DisplayName }).Count -gt 0
}

# --- Reports --------------------------------------------------------------------------------------------------

# Starts the server with an empty folder of records, always at the same address.
function Start-Server {
    Stop-Server
    $script:Records = Join-Path $Work ('records-' + [guid]::NewGuid().ToString('N'))
    $arguments = "--ignore-stdin --listen $ServerAddress --token $Token --record `"$($script:Records)`""
    $script:Server = Start-Process -FilePath $TestServer -ArgumentList $arguments -PassThru -NoNewWindow
    Wait-Until 'the test server did not answer' {
        (& curl.exe --silent --max-time 5 --output NUL --write-out '%{http_code}' "http://$ServerAddress/") -ne '000'
    }
}

function Stop-Server {
    if ($null -eq $script:Server) { return }
    if (-not $script:Server.HasExited) {
        Stop-Process -InputObject $script:Server -Force
        $null = $script:Server.WaitForExit(10000)
    }
    $script:Server = $null
}

# A TCP port that was free a moment ago.
function Get-FreePort {
    $listener = New-Object System.Net.Sockets.TcpListener ([System.Net.IPAddress]::Loopback, 0)
    $listener.Start()
    try { return $listener.LocalEndpoint.Port } finally { $listener.Stop() }
}

# Writes UTF-8 without a byte order mark, which Set-Content of Windows PowerShell would add.
function Write-Text([string] $Path, [string] $Text) {
    [System.IO.File]::WriteAllText($Path, $Text)
}

function Write-Configuration {
    $values = @{
        server = @{ url = "http://$ServerAddress"; token = $Token; proxy = 'none' }
        upload = @{ retry_initial_seconds = 1; retry_max_seconds = 2 }
        health = @{ port = $HealthPort }
    }
    Write-Text $Configuration ($values | ConvertTo-Json)
}

# Puts a report into the watch folder as careful programs do, by renaming; returns its id.
function Add-Report([int] $Number) {
    $id = '33a2d408-3fc8-480b-b554-6866c77fd9{0:x2}' -f $Number
    $text = [System.IO.File]::ReadAllText($Sample)
    $original = '33a2d408-3fc8-480b-b554-6866c77fd91c'
    Assert-That ($text.Contains($original)) "the sample report has another id than $original"
    $temporary = Join-Path $Data "watch\$Number.json.tmp"
    Write-Text $temporary ($text.Replace($original, $id))
    Rename-Item $temporary "$Number.json"
    return $id
}

# The report has arrived as the only one since the server started, and its file lies in done.
function Assert-Delivered([int] $Number, [string] $Id) {
    Wait-Until "report $Number did not arrive" { Test-Path (Join-Path $script:Records '0001.json') }
    Wait-Until "report $Number is not in done" { Test-Path (Join-Path $Data "done\$Number.json") }
    $records = @(Get-ChildItem $script:Records -Filter '*.json')
    Assert-That ($records.Count -eq 1) "$($records.Count) reports arrived instead of one"
    $report = Get-Content -Raw $records[0].FullName | ConvertFrom-Json
    Assert-That ($report.id -eq $Id) "the report that arrived has the id $($report.id)"
    Assert-That ($report.sn -eq 'FATTest-325') "the report that arrived has the serial number $($report.sn)"
}

# The answer of a health endpoint; curl.exe is part of Windows, and takes 503 for an answer like another.
function Get-Health([string] $Path) {
    return (& curl.exe --silent --max-time 5 "http://127.0.0.1:$HealthPort$Path") -join "`n"
}

function Get-FileDigest([string] $Path) {
    return (Get-FileHash -Algorithm SHA256 $Path).Hash
}

# --- The life of an installation ------------------------------------------------------------------------------

function Test-Installation {
    Test-Claim 'a silent installation to a chosen folder ends with 0 and writes its log' {
        Install-Client $Msi "INSTALLDIR=`"$Chosen`""
        Assert-Program $Chosen $Default
        Assert-That (Test-Listed) 'the product is not listed as installed'
    }
    Test-Claim 'the data folders are there' {
        foreach ($name in @('watch', 'done', 'failed', 'archive', 'logs')) {
            Assert-That (Test-Path (Join-Path $Data $name)) "$name was not made"
        }
    }
    Test-Claim 'the service starts automatically, delayed, from the chosen folder' {
        $registered = (& sc.exe qc $ServiceName) -join "`n"
        Assert-That ($registered -match 'AUTO_START\s+\(DELAYED\)') "its start is not delayed:`n$registered"
        Assert-That ($registered.Contains($Chosen)) "its program is elsewhere:`n$registered"
        Assert-That ($registered.Contains('run --service')) "its arguments are others:`n$registered"
    }
    Test-Claim 'the service is restarted a minute after each failure' {
        $recovery = (& sc.exe qfailure $ServiceName) -join "`n"
        Assert-That ($recovery -match 'RESET_PERIOD.*:\s*86400') "the count starts anew at another time:`n$recovery"
        $restarts = [regex]::Matches($recovery, 'RESTART\s+--\s+Delay\s+=\s+60000')
        Assert-That ($restarts.Count -eq 3) "it has $($restarts.Count) restarts, not 3:`n$recovery"
    }
    Test-Claim 'the service runs, without a configuration too' { Assert-Running }
}

function Test-Delivery {
    Test-Claim 'the running service takes a configuration up and says that it is ready' {
        Start-Server
        Write-Configuration
        Wait-Until 'the health endpoint did not say that the service is ready' {
            (Get-Health '/health/ready') -match '"status":\s*"ready"'
        }
        Assert-That ((Get-Health '/health/live') -match '"status":\s*"alive"') 'the service does not say it is alive'
    }
    Test-Claim 'a report in the watch folder reaches the server and lies in done' {
        Assert-Delivered 1 (Add-Report 1)
    }
    Test-Claim 'the service is restarted by Windows when it is killed' {
        $before = Get-ServiceProcess
        Stop-Process -Id $before -Force
        Wait-Until 'the service did not come back' { @(0, $before) -notcontains (Get-ServiceProcess) }
        Assert-Running
    }
}

function Test-Upgrade {
    Test-Claim 'an upgrade keeps folder and configuration, and delivers what was queued' {
        $before = Get-FileDigest $Configuration
        $version = Get-Setting 'Version'
        Stop-Server
        $id = Add-Report 2
        Wait-Until 'the report was not queued' { (Get-Health '/health/details') -match '"pending_count":\s*1\b' }

        Install-Client $HigherMsi
        Assert-Program $Chosen $Default
        Assert-That ((Get-FileDigest $Configuration) -eq $before) 'the upgrade changed the configuration'
        Assert-That ((Get-Setting 'Version') -ne $version) "the registry still has the version $version"
        Assert-Running
        Start-Server
        Assert-Delivered 2 $id
    }
    Test-Claim 'an upgrade keeps delayed start and recovery' {
        Assert-That (((& sc.exe qc $ServiceName) -join "`n") -match '\(DELAYED\)') 'the start is not delayed any more'
        Assert-That (((& sc.exe qfailure $ServiceName) -join "`n") -match 'RESTART') 'there is no recovery any more'
    }
    Test-Claim 'a downgrade is refused and changes nothing' {
        $version = Get-Setting 'Version'
        $code = Invoke-Msiexec "/i `"$Msi`""
        Assert-That ($code -eq $InstallFailure) "the downgrade ended with $code"
        Assert-Program $Chosen $Default
        Assert-That ((Get-Setting 'Version') -eq $version) 'the registry has another version'
        Assert-Running
    }
}

function Test-Repair([string] $Package) {
    Test-Claim 'a repair brings back a lost file, and leaves configuration and service alone' {
        $before = Get-FileDigest $Configuration
        Remove-Item (Join-Path $Chosen 'LICENSE.txt')
        $code = Invoke-Msiexec "/fomus `"$Package`""
        Assert-That ($code -eq 0) "the repair ended with $code"
        Assert-Program $Chosen $Default
        Assert-That ((Get-FileDigest $Configuration) -eq $before) 'the repair changed the configuration'
        Assert-Running
    }
}

function Test-Removal([string] $Package) {
    Test-Claim 'removal takes program and service, and leaves configuration and data' {
        $before = Get-FileDigest $Configuration
        $code = Invoke-Msiexec "/x `"$Package`""
        Assert-That ($code -eq 0) "the removal ended with $code"
        Assert-That (-not (Test-Path $Chosen)) "$Chosen is still there"
        Assert-That ($null -eq (Get-ClientService)) 'the service is still registered'
        Assert-That (-not (Test-Listed)) 'the product is still listed as installed'
        Assert-That ((Get-Setting 'InstallDir') -eq '') "the product's registry key is still there"
        Assert-That ((Get-FileDigest $Configuration) -eq $before) 'the removal changed the configuration'
        foreach ($kept in @('watch', 'queue.db', 'done\1.json')) {
            Assert-That (Test-Path (Join-Path $Data $kept)) "the removal took $kept"
        }
    }
    Test-Claim 'a new installation takes configuration and data up again' {
        Start-Server
        Install-Client $Package
        Assert-Program $Default $Chosen
        Assert-Running
        Assert-Delivered 3 (Add-Report 3)
    }
}

# --- Before and after -----------------------------------------------------------------------------------------

function Assert-CleanMachine {
    $user = New-Object Security.Principal.WindowsPrincipal ([Security.Principal.WindowsIdentity]::GetCurrent())
    $elevated = $user.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
    Assert-That $elevated 'run this in an elevated PowerShell'
    Assert-That ($null -eq (Get-ClientService)) "the service $ServiceName is there already; use another machine"
    foreach ($folder in @($Data, $Default, $Chosen)) {
        Assert-That (-not (Test-Path $folder)) "$folder is there already; use another machine"
    }
}

function Clear-Machine {
    Stop-Server
    foreach ($package in @($HigherMsi, $Msi)) {
        if ($package -and (Test-Listed)) { $null = Invoke-Msiexec "/x `"$package`"" }
    }
    foreach ($folder in @($Data, $Work, (Split-Path $Chosen))) {
        Remove-Item -Recurse -Force $folder -ErrorAction SilentlyContinue
    }
}

$Msi = (Resolve-Path $Msi).Path
if ($HigherMsi) { $HigherMsi = (Resolve-Path $HigherMsi).Path }
$TestServer = (Resolve-Path $TestServer).Path
Assert-CleanMachine
$Logs = (New-Item -ItemType Directory -Force $Logs).FullName
$Work = Join-Path ([System.IO.Path]::GetTempPath()) ('pywats-' + [guid]::NewGuid().ToString('N'))
$null = New-Item -ItemType Directory $Work
$HealthPort = Get-FreePort
$ServerAddress = "127.0.0.1:$(Get-FreePort)"

try {
    Test-Installation
    Test-Delivery
    $installed = $Msi
    if ($HigherMsi) {
        Test-Upgrade
        $installed = $HigherMsi
    } else {
        Write-Host 'not run: upgrade and downgrade (no -HigherMsi)'
    }
    Test-Repair $installed
    Test-Removal $installed
} finally {
    Clear-Machine
}
Write-Host "$($script:Passed) passed, $($script:Failed) failed"
# Said in either case: else the exit code would be that of the last program that ran.
exit [int] ($script:Failed -gt 0)
