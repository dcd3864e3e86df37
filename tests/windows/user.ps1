# What a standard user of the station tries. Started by installer.ps1 as that user; writes a line for each attempt:
# its name, =, and `allowed`, `refused` or what else happened.
param(
    # Before an installation he makes the folder of the `program`, or that of the `data` and files in it. `after` it he
    # tries what he may do and what he may not; with `repair` he has the product repaired.
    [Parameter(Mandatory = $true)] [string] $What,
    # The folder of the program, and that of configuration and data.
    [Parameter(Mandatory = $true)] [string] $Program,
    [Parameter(Mandatory = $true)] [string] $Data,
    # The folder for what the user is handed, and the file for what he answers.
    [Parameter(Mandatory = $true)] [string] $Exchange,
    [Parameter(Mandatory = $true)] [string] $Result,
    # What is repaired, and the properties that are given with it.
    [string] $Package = '',
    [string] $Properties = ''
)

Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'
$Lines = New-Object System.Collections.Generic.List[string]

# A deed finds the variables of this function, which runs it, before those of the function that it is written in.
function Test-Attempt([string] $Attempt, [scriptblock] $Deed) {
    $outcome = 'allowed'
    try {
        $null = & $Deed
    } catch {
        $reason = $_.Exception.GetBaseException()
        $outcome = "failed: $($reason.GetType().Name) $($reason.Message)" -replace '[\r\n]+', ' '
        if ($reason -is [System.UnauthorizedAccessException]) { $outcome = 'refused' }
    }
    $Lines.Add("$Attempt=$outcome")
}

# Makes what an attacker would make first, to own it when the installer comes.
function Test-ProgramFolder {
    Test-Attempt 'program folder' { [System.IO.Directory]::CreateDirectory($Program) }
}

# The same, with files that the service would believe.
function Test-DataFolder {
    Test-Attempt 'data folder' { [System.IO.Directory]::CreateDirectory((Join-Path $Data 'done')) }
    foreach ($name in @('planted.txt', 'config.json', 'token', 'done\planted.txt')) {
        Test-Attempt $name { [System.IO.File]::WriteAllText((Join-Path $Data $name), 'planted') }
    }
}

function Test-After {
    $watch = Join-Path $Data 'watch'
    $executable = Join-Path $Program 'pywats-client.exe'
    Test-Attempt 'read program' { [System.IO.File]::ReadAllBytes($executable).Length }
    Test-Attempt 'change program' { [System.IO.File]::OpenWrite($executable).Close() }
    Test-Attempt 'delete license' { [System.IO.File]::Delete((Join-Path $Program 'LICENSE.txt')) }
    Test-Attempt 'add to program' { [System.IO.File]::WriteAllText((Join-Path $Program 'version.dll'), 'x') }
    Test-Attempt 'add to data' { [System.IO.File]::WriteAllText((Join-Path $Data 'new.txt'), 'x') }
    Test-Attempt 'add folder to data' { [System.IO.Directory]::CreateDirectory((Join-Path $Data 'new')) }
    foreach ($name in @('config.json', 'token', 'planted.txt', 'done\planted.txt')) {
        Test-Attempt "read $name" { [System.IO.File]::ReadAllText((Join-Path $Data $name)) }
        Test-Attempt "change $name" { [System.IO.File]::OpenWrite((Join-Path $Data $name)).Close() }
    }
    foreach ($name in @('done', 'failed', 'logs')) {
        Test-Attempt "list $name" { [System.IO.Directory]::GetFileSystemEntries((Join-Path $Data $name)) }
        Test-Attempt "add to $name" { [System.IO.File]::WriteAllText((Join-Path $Data "$name\new.txt"), 'x') }
    }
    Test-Attempt 'list watch' { [System.IO.Directory]::GetFileSystemEntries($watch) }
    Test-Attempt "read another's" { [System.IO.File]::ReadAllText((Join-Path $watch 'foreign.tmp')) }
    Test-Attempt "delete another's" { [System.IO.File]::Delete((Join-Path $watch 'foreign.tmp')) }
    $own = Join-Path $watch 'own.tmp'
    $report = [System.IO.File]::ReadAllText((Join-Path $Exchange 'report.json'))
    Test-Attempt 'create own' { [System.IO.File]::WriteAllText($own, $report.Substring(0, 10)) }
    Test-Attempt 'finish own' { [System.IO.File]::AppendAllText($own, $report.Substring(10)) }
    Test-Attempt 'read own' { [System.IO.File]::ReadAllText($own) }
    Test-Attempt 'rename own' { [System.IO.File]::Move($own, (Join-Path $watch '9.json')) }
}

# Windows decides whether a standard user may; what came of it, others look at.
function Test-Repair {
    $log = Join-Path $Exchange 'repair.log'
    $line = "/fomus `"$Package`" /qn /norestart /l*v `"$log`" $Properties"
    $process = Start-Process -FilePath 'msiexec.exe' -ArgumentList $line -PassThru
    $null = $process.Handle
    if (-not $process.WaitForExit(90000)) {
        $process.Kill()
        throw 'msiexec has not ended after 90 s'
    }
    $Lines.Add("repair=ended with $($process.ExitCode)")
}

try {
    switch ($What) {
        'program' { Test-ProgramFolder }
        'data' { Test-DataFolder }
        'after' { Test-After }
        'repair' { Test-Repair }
        default { throw "there is nothing to do for '$What'" }
    }
} catch {
    $Lines.Add("script=$($_.Exception.Message)")
}
[System.IO.File]::WriteAllLines($Result, $Lines)
