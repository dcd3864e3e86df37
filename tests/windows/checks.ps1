# What a check is, and what is shown when one fails. Part of installer.ps1.

# Runs one check: it has passed unless it throws.
function Test-Claim([string] $Claim, [scriptblock] $Check) {
    try {
        & $Check | Out-Null
        $script:Passed++
        Write-Host "passed: $Claim"
    } catch {
        Write-Failure $Claim $_
    }
}

function Write-Failure([string] $What, [System.Management.Automation.ErrorRecord] $Reason) {
    $script:Failed++
    # The name alone: tests/record.py reads such lines.
    Write-Host "FAILED: $What"
    Write-Host "    because: $($Reason.Exception.Message)"
    $Reason.ScriptStackTrace -split "`n" | ForEach-Object { Write-Host "    $_" }
    Show-Traces
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

# Runs checks that need a machine of their own: nothing is installed before, and nothing is left for the next ones.
function Test-Section([string] $Section, [scriptblock] $Body) {
    Write-Host "--- $Section"
    try {
        Reset-Machine
        & $Body
    } catch {
        Write-Failure $Section $_
    }
    try { Reset-Machine } catch { Write-Failure "cleaning up after: $Section" $_ }
}

# Says that something was not tried, and why: never passed in silence.
function Write-NotRun([string] $What, [string] $Reason) {
    $script:NotRun++
    Write-Host "not run: $What ($Reason)"
}

# What helps to understand a failure: the ends of the logs, and the data folder, from which the service may take a file
# at any moment.
function Show-Traces {
    foreach ($log in @($script:LastLog, (Join-Path $Data 'logs\pywats-client.log'))) {
        if ($log -and (Test-Path $log)) {
            Write-Host "    the end of ${log}:"
            # Windows Installer ends its log with all properties, which tells nothing of what happened.
            $lines = Get-Content $log -ErrorAction SilentlyContinue | Where-Object { $_ -notmatch '^Property\(' }
            $lines | Select-Object -Last 25 | ForEach-Object { Write-Host "      $_" }
        }
    }
    if (Test-Path $Data) {
        $files = Get-ChildItem -Recurse -File $Data -ErrorAction SilentlyContinue
        $files | ForEach-Object { Write-Host "      $($_.FullName) $($_.Length)" }
    }
}
