<#
.SYNOPSIS
Installs the program by the script for PowerShell that cargo-dist made, out of a folder of archives in place of the
internet.

.DESCRIPTION
What tests/macos/by-script.sh does for the script for shells. THIS SCRIPT HAS NEVER RUN: it was written where there is
no Windows, and only its grammar was checked.

Installs into the home folder of the user, and removes program, receipt and the entry of the search path at its end,
also after a failure. Prints a line for every check. The exit code is 1 if one failed.

.EXAMPLE
tests/windows/by-script.ps1 -Installer pywats-client-installer.ps1 -Dist dist
#>
param(
    # The script under test.
    [Parameter(Mandatory = $true)] [string] $Installer,
    # The folder of archives, with the program as a file of its own beside them.
    [Parameter(Mandatory = $true)] [string] $Dist
)

Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'
# Programs say by their exit codes what is asked of them here; PowerShell 7 would make errors of those.
$PSNativeCommandUseErrorActionPreference = $false

# The machine's, whatever this PowerShell was compiled for.
$Environment = 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Environment'
if ((Get-ItemProperty $Environment).PROCESSOR_ARCHITECTURE -eq 'ARM64') {
    $Archive = 'pywats-client-aarch64-pc-windows-gnullvm.zip'
    $Alone = '*-aarch64-windows.exe'
} else {
    $Archive = 'pywats-client-x86_64-pc-windows-gnu.zip'
    $Alone = '*-x86_64-windows.exe'
}
$Folder = Join-Path $HOME '.local\bin'
$Program = Join-Path $Folder 'pywats-client.exe'
$Receipt = Join-Path $env:LOCALAPPDATA 'pywats-client\pywats-client-receipt.json'
$Shell = (Get-Process -Id $PID).Path
$Installer = (Get-Item $Installer).FullName
$Released = (Get-FileHash -Algorithm SHA256 (Get-Item (Join-Path $Dist $Alone)).FullName).Hash
$Work = Join-Path ([System.IO.Path]::GetTempPath()) ([guid]::NewGuid())
$script:Failed = 0
$script:Said = ''

function Check([string] $Claim, [bool] $Holds) {
    if ($Holds) {
        Write-Output "passed: $Claim"
    } else {
        $script:Failed = 1
        Write-Output "FAILED: $Claim"
        Write-Output $script:Said
    }
}

# What `irm ADDRESS | iex` does; returns the exit code.
function Install-From([string] $Name) {
    $env:PYWATS_CLIENT_DOWNLOAD_URL = ([uri] (Join-Path $Work $Name)).AbsoluteUri
    # What a program writes to standard error would end this script in Windows PowerShell.
    $ErrorActionPreference = 'Continue'
    $command = "`$ProgressPreference = 'SilentlyContinue'; Get-Content -Raw -LiteralPath '$Installer' | Invoke-Expression"
    $script:Said = & $Shell -NoProfile -ExecutionPolicy Bypass -Command $command 2>&1 | Out-String
    return $LASTEXITCODE
}

function Test-Installed {
    return (Test-Path $Program) -and ((Get-FileHash -Algorithm SHA256 $Program).Hash -eq $Released)
}

function Test-Refused {
    $code = Install-From 'changed'
    return ($code -ne 0) -and $script:Said.Contains('checksum mismatch')
}

function Get-UserPath {
    return @([Environment]::GetEnvironmentVariable('Path', 'User') -split ';' | Where-Object { $_ -ne '' })
}

if (Test-Path $Program) {
    throw "$Program is there already"
}
# A runner of GitHub would have the folder on its search path from then on.
$env:GITHUB_PATH = ''
try {
    foreach ($name in 'good', 'changed') {
        $null = New-Item -ItemType Directory -Path (Join-Path $Work $name)
        Copy-Item (Join-Path $Dist $Archive) (Join-Path $Work $name)
    }
    $stream = [System.IO.File]::Open((Join-Path $Work "changed\$Archive"), 'Append')
    $stream.WriteByte(0)
    $stream.Close()

    Check 'a changed archive is refused' (Test-Refused)
    Check 'then nothing is installed' (-not (Test-Path $Program))
    Check 'the script ends well' ((Install-From 'good') -eq 0)
    Check 'the program is the one of the archive' (Test-Installed)
    Check 'it runs' ((& $Program --version) -like 'pywats-client *')
    Check 'its folder is on the search path of the user' ((Get-UserPath) -contains $Folder)
    Set-Content -LiteralPath $Program -Value 'older'
    Check 'a changed archive does not replace an older program' ((Test-Refused) -and -not (Test-Installed))
    Check 'a second run does' ((Install-From 'good') -eq 0)
    Check 'the program is again the one of the archive' (Test-Installed)
} finally {
    Remove-Item -Force -ErrorAction SilentlyContinue -LiteralPath $Program, $Receipt
    Remove-Item -Recurse -Force -ErrorAction SilentlyContinue -LiteralPath $Work
    $rest = Get-UserPath | Where-Object { $_ -ne $Folder }
    [Environment]::SetEnvironmentVariable('Path', ($rest -join ';'), 'User')
    $env:PYWATS_CLIENT_DOWNLOAD_URL = ''
}
exit $script:Failed
