# Upgrades: what an administrator has set up stays, and what fails is undone. Part of installer.ps1.

# A service as an administrator may have set it up, before an upgrade: how, whether it runs then, and its account.
function Get-Arrangements {
    return @(
        @{
            Name = 'a manual service that does not run'
            Runs = $false; Start = 'DEMAND_START'; Account = $Account
            Change = { Invoke-Sc config $ServiceName start= demand }
        },
        @{
            Name = 'a manual service that runs, under another account'
            Runs = $true; Start = 'DEMAND_START'; Account = 'NT AUTHORITY\LocalService'
            Change = { Invoke-Sc config $ServiceName start= demand obj= 'NT AUTHORITY\LocalService' }
        },
        @{
            Name = 'a service that is disabled'
            Runs = $false; Start = 'DISABLED'; Account = $Account
            Change = { Invoke-Sc config $ServiceName start= disabled }
        },
        @{
            Name = 'an automatic service that is not delayed'
            Runs = $true; Start = 'AUTO_START\s*$'; Account = $Account
            Change = { Invoke-Sc config $ServiceName start= auto }
        }
    )
}

function Test-Adoption {
    foreach ($arrangement in Get-Arrangements) {
        Test-Claim "an upgrade leaves as it is: $($arrangement.Name)" {
            Reset-Machine
            Install-Client $Msi
            Stop-Service $ServiceName
            & $arrangement.Change
            Invoke-Sc failure $ServiceName reset= 3600 actions= restart/5000
            if ($arrangement.Runs) { Start-Service $ServiceName }
            $before = Get-ServiceSettings
            # A start as multiline text ends where its line does.
            Assert-That ($before -match "(?m)$($arrangement.Start)") "the service was not set up:`n$before"

            Install-Client $HigherMsi
            $after = Get-ServiceSettings
            Assert-That ($after -eq $before) "the settings were`n$before`nand are`n$after"
            Assert-Account $arrangement.Account
            if ($arrangement.Runs) { Assert-Running } else { Assert-NotRunning }
        }
    }
}

# Where an upgrade is made to fail.
function Get-Stages {
    return @(
        @('before the old version is removed', 1520, $ImmediateAction),
        @('after the old version was removed', 1560, $DeferredAction),
        @('after the service was stopped', 1950, $DeferredAction),
        @('after the folders were made', 3750, $DeferredAction),
        @('after the files were copied', 4050, $DeferredAction),
        @('after the registry was written', 5150, $DeferredAction),
        @('after the service was registered', 5870, $DeferredAction),
        @('after the service was started', 5950, $DeferredAction),
        @('while the last actions are collected', 5950, $ImmediateAction),
        @('at the very end', 6590, $DeferredAction)
    )
}

function Test-FailedUpgrades {
    Start-Station "INSTALLDIR=`"$Chosen`""
    $program = Join-Path $Chosen 'pywats-client.exe'
    $settings = Get-ServiceSettings
    $products = (Get-ListedProducts) -join ' '
    $version = Get-Setting 'Version'
    $digests = @((Get-FileDigest $program), (Get-FileDigest $Configuration))
    $number = 0
    foreach ($stage in Get-Stages) {
        $name, $sequence, $kind = $stage
        $number++
        Test-Claim "an upgrade that fails $name leaves the old version at work, and nothing is lost" {
            $id = Add-QueuedReport $number
            $broken = New-BrokenPackage $HigherMsi $sequence $kind
            $null = Assert-Refused "/i `"$broken`""

            $now = (Get-ListedProducts) -join ' '
            Assert-That ($now -eq $products) "listed is $now, and was $products"
            Assert-That ((Get-Setting 'Version') -eq $version) "the registry has the version $(Get-Setting 'Version')"
            Assert-Program $Chosen $Default
            Assert-That ((Get-FileDigest $program) -eq $digests[0]) 'the program is another'
            Assert-That ((Get-FileDigest $Configuration) -eq $digests[1]) 'the configuration was changed'
            $found = Get-ServiceSettings
            Assert-That ($found -eq $settings) "the settings of the service were`n$settings`nand are`n$found"
            Assert-Running
            Wait-Queued
            Start-Server
            Assert-Delivered $number $id
        }
    }
    Test-Claim 'after all failures the upgrade that does not fail succeeds' {
        Install-Client $HigherMsi
        Assert-That ((Get-Setting 'Version') -ne $version) "the registry still has the version $version"
        Assert-Running
    }
}

function Test-FailedInstallation {
    Test-Claim 'an installation that fails at its end leaves nothing behind' {
        $broken = New-BrokenPackage $Msi 5950 $DeferredAction
        $null = Assert-Refused "/i `"$broken`" SERVERURL=https://wats.example"
        Assert-NothingInstalled
        Assert-That (-not (Test-Path $Configuration)) 'the configuration was left behind'
        Install-Client $Msi
        Assert-Running
    }
}

function Test-SameVersion {
    Start-Station
    $program = Join-Path $Default 'pywats-client.exe'
    $first = Get-FileDigest $program
    Test-Claim 'another package of the same version replaces the first' {
        $id = Add-QueuedReport 1
        $version = Get-Setting 'Version'
        Install-Client $SameMsi
        Assert-That ((Get-FileDigest $program) -ne $first) 'the program is still the first one'
        Assert-That ((Get-Setting 'Version') -eq $version) "-SameMsi has another version: $(Get-Setting 'Version')"
        $listed = @(Get-ListedProducts)
        Assert-That ($listed.Count -eq 1) "the product is listed $($listed.Count) times"
        Assert-Running
        Start-Server
        Assert-Delivered 1 $id
    }
    # -SameMsi has a program with a higher file version, as what is built after a release.
    Test-Claim 'it is replaced by the first in turn, whose program has a lower file version' {
        Install-Client $Msi
        Assert-That ((Get-FileDigest $program) -eq $first) 'the program is not that of the first package'
        Assert-Running
    }
}

# The processor of the machine, whatever this PowerShell was compiled for.
function Get-Processor {
    $key = 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Environment'
    return (Get-ItemProperty $key).PROCESSOR_ARCHITECTURE
}

# Installs a package in the place of one for another processor, whose stopped program may be there a moment too long.
function Install-InPlace([string] $Package, [string] $Digest) {
    $code = Invoke-Msiexec "/i `"$Package`""
    Assert-That ($code -in 0, $RebootRequired) "the installation ended with $code"
    $program = Join-Path $Default 'pywats-client.exe'
    Assert-That ((Get-FileDigest $program) -ne $Digest) 'the program is still that of the other package'
    $listed = @(Get-ListedProducts)
    Assert-That ($listed.Count -eq 1) "the product is listed $($listed.Count) times"
    Assert-Running
}

function Test-OtherProcessor {
    if ((Get-Processor) -ne 'ARM64') {
        Test-Claim 'a package for another processor is refused' {
            $code = Invoke-Msiexec "/i `"$OtherMsi`" SERVERURL=https://wats.example"
            Assert-That ($code -eq $OtherPlatform) "it ended with $code, not with $OtherPlatform"
            Assert-NothingInstalled
        }
        return
    }
    Start-Station
    $program = Join-Path $Default 'pywats-client.exe'
    $first = Get-FileDigest $program
    Test-Claim 'a package for another processor replaces the first' {
        $id = Add-QueuedReport 1
        Install-InPlace $OtherMsi $first
        Start-Server
        Assert-Delivered 1 $id
    }
    $second = Get-FileDigest $program
    Test-Claim 'it is replaced by the first in turn' {
        Install-InPlace $Msi $second
        Assert-That ((Get-FileDigest $program) -eq $first) 'the program is not that of the first package'
    }
}

# The client in the foreground, from the folder of the program, with data of its own.
function Start-Foreground {
    $own = (New-Item -ItemType Directory -Force (Join-Path $Work 'foreground')).FullName
    # It must not find the configuration of the service.
    $environment = @{
        PYWATS_DATA_DIR = $own; PYWATS_HEALTH_PORT = '0'; PYWATS_CONFIG = (Join-Path $own 'config.json')
    }
    $program = Join-Path $Default 'pywats-client.exe'
    $script:Foreground = Invoke-WithEnvironment $environment {
        Start-Process $program 'run' -PassThru -NoNewWindow -WorkingDirectory $own
    }
    $null = $script:Foreground.Handle
    Start-Sleep -Seconds 3
    Assert-That (-not $script:Foreground.HasExited) "it ended with $($script:Foreground.ExitCode)"
}

function Stop-Foreground {
    if ($null -eq $script:Foreground) { return }
    if (-not $script:Foreground.HasExited) {
        Stop-Process -InputObject $script:Foreground -Force
        $null = $script:Foreground.WaitForExit(10000)
    }
    $script:Foreground = $null
}

function Test-FilesInUse {
    Start-Station
    Test-Claim 'an upgrade succeeds while somebody runs the program, and says if a restart is wanted' {
        $id = Add-QueuedReport 1
        $version = Get-Setting 'Version'
        Start-Foreground
        $code = Invoke-Msiexec "/i `"$HigherMsi`""
        # ERROR_SUCCESS_REBOOT_REQUIRED: the old program goes with the next start of the machine.
        Assert-That ($code -in @(0, 3010)) "the upgrade ended with $code"
        Write-Host "    the upgrade ended with $code"
        Assert-That ((Get-Setting 'Version') -ne $version) "the registry still has the version $version"
        Assert-Program $Default $Chosen
        Assert-Running
        Start-Server
        Assert-Delivered 1 $id
    }
    Stop-Foreground
}
