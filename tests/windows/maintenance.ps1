# What else is done with a package: repair, removal that fails, administrative installation, advertisement. Part of
# installer.ps1.

function Invoke-Repair {
    $code = Invoke-Msiexec "/fomus `"$Msi`""
    Assert-That ($code -eq 0) "the repair ended with $code"
}

function Test-Repairs {
    Start-Station "INSTALLDIR=`"$Chosen`""
    $before = Get-FileDigest $Configuration
    Test-Claim 'a repair brings back the program that somebody deleted' {
        Stop-Service $ServiceName
        $program = Join-Path $Chosen 'pywats-client.exe'
        # A process that has ended may keep its program for a moment.
        Wait-Until "$program could not be deleted" {
            Remove-Item $program -ErrorAction SilentlyContinue
            -not (Test-Path $program)
        }
        Invoke-Repair
        Assert-Program $Chosen $Default
        Assert-Running
    }
    Test-Claim 'installing the same package again brings back a file that somebody deleted' {
        Remove-Item (Join-Path $Chosen 'LICENSE.txt')
        Install-Client $Msi
        Assert-Program $Chosen $Default
        Assert-Running
    }
    Test-Claim 'a repair brings back the service that somebody deleted' {
        Stop-Service $ServiceName
        Invoke-Sc delete $ServiceName
        Wait-Until 'the service was not deleted' { $null -eq (Get-ClientService) }
        Invoke-Repair
        Assert-Account $Account
        $recovery = Get-Registration 'qfailure'
        Assert-That ($recovery -match 'RESTART') "it has no recovery:`n$recovery"
        Assert-Running
    }
    Test-Claim 'a repair brings back what somebody deleted from the registry' {
        Remove-Item -Recurse $EventKey
        Remove-ItemProperty $SettingsKey 'Version'
        Invoke-Repair
        Assert-That (Test-Path $EventKey) 'the source of events is missing'
        Assert-That ((Get-Setting 'Version') -ne '') 'the version is missing'
    }
    Test-Claim 'repairs leave the configuration alone, and the service delivers' {
        Assert-That ((Get-FileDigest $Configuration) -eq $before) 'the configuration was changed'
        Assert-Running
        Wait-Ready
        Assert-Delivered 1 (Add-Report 1)
    }
}

# A standard user has the product repaired, with properties that only administrators choose; returns what he says of
# it. Windows may refuse that, too.
function Invoke-RepairAsUser([string] $Properties) {
    # The package itself may be where the user cannot read.
    Copy-Item $Msi $Exchange
    $package = Join-Path $Exchange (Split-Path -Leaf $Msi)
    $script:LastLog = Join-Path $Exchange 'repair.log'
    $attempts = Invoke-AsUser 'repair' @{ Package = $package; Properties = $Properties }
    Assert-That (Test-Path $script:LastLog) 'msiexec has written no log'
    Copy-Item $script:LastLog (Join-Path $Logs 'repair-by-user.log')
    return $attempts['repair']
}

function Test-RepairByUser {
    Install-Client $Msi
    Assert-Running
    Test-Claim 'a standard user who has the product repaired changes none of its settings' {
        $settings = Get-ServiceSettings
        $said = Invoke-RepairAsUser "WATCHFOLDER=$PlantedWatch SERVICEACCOUNT=LocalSystem INSTALLSERVICE=0"
        Assert-That ($said -match '^ended with \d+$') "the repair was not tried: $said"
        Write-Host "    the repair $said"
        Assert-That (-not (Test-Path $PlantedWatch)) "$PlantedWatch was made"
        Assert-That (-not (Test-Path $Configuration)) 'a configuration was written'
        Assert-Account $Account
        Assert-That ((Get-Setting 'InstallService') -eq '1') 'the service is remembered as one that is not wanted'
        $found = Get-ServiceSettings
        Assert-That ($found -eq $settings) "the settings of the service were`n$settings`nand are`n$found"
        Assert-Program $Default $Chosen
        Assert-Running
    }
}

# Windows Installer removes by the copy of the package that it keeps, so a package is installed that can fail.
function Test-FailedRemoval {
    Start-Server
    $broken = New-BrokenPackage $Msi 3650 $DeferredAction 'REMOVE ~= "ALL" AND FAILREMOVAL = "1"'
    Install-Client $broken "INSTALLDIR=`"$Chosen`""
    Write-Configuration
    Wait-Ready
    Test-Claim 'a removal that fails brings back program and service, and nothing is lost' {
        $settings = Get-ServiceSettings
        $digests = @((Get-FileDigest (Join-Path $Chosen 'pywats-client.exe')), (Get-FileDigest $Configuration))
        $id = Add-QueuedReport 1
        $null = Assert-Refused "/x `"$broken`" FAILREMOVAL=1 PURGEDATA=1"
        Assert-That (Test-Listed) 'the product is not listed any more'
        Assert-Program $Chosen $Default
        Assert-That ((Get-FileDigest (Join-Path $Chosen 'pywats-client.exe')) -eq $digests[0]) 'the program is another'
        Assert-That ((Get-FileDigest $Configuration) -eq $digests[1]) 'the configuration was changed'
        $found = Get-ServiceSettings
        Assert-That ($found -eq $settings) "the settings of the service were`n$settings`nand are`n$found"
        Assert-Running
        Wait-Queued
        Start-Server
        Assert-Delivered 1 $id
    }
    Test-Claim 'after that a removal that does not fail succeeds' {
        $code = Invoke-Msiexec "/x `"$broken`""
        Assert-That ($code -eq 0) "the removal ended with $code"
        Assert-NothingInstalled
        Assert-That (-not (Test-Path $Chosen)) "$Chosen is still there"
    }
}

function Test-Unpacking {
    Test-Claim 'an administrative installation unpacks the files and does nothing else' {
        $target = Join-Path $Work 'unpacked'
        $code = Invoke-Msiexec "/a `"$Msi`" TARGETDIR=`"$target`""
        Assert-That ($code -eq 0) "it ended with $code"
        foreach ($name in @('pywats-client.exe', 'LICENSE.txt', 'pywats-client.admx', (Split-Path -Leaf $Msi))) {
            $found = @(Get-ChildItem -Recurse -File -Path $target -Filter $name)
            Assert-That ($found.Count -eq 1) "$name is there $($found.Count) times"
        }
        Assert-NothingInstalled
        Assert-That (-not (Test-Path $Data)) "$Data was made"
    }
    Test-Claim 'the package that was unpacked can be installed' {
        $target = Join-Path $Work 'unpacked'
        Install-Client (Join-Path $target (Split-Path -Leaf $Msi))
        Assert-Program $Default $Chosen
        Assert-Running
    }
}

function Test-Advertisement {
    Test-Claim 'an advertisement announces the product and installs nothing' {
        $code = Invoke-Msiexec "/jm `"$Msi`""
        Assert-That ($code -eq 0) "it ended with $code"
        Assert-That ($null -eq (Get-ClientService)) 'the service is registered'
        Assert-That (-not (Test-Path (Join-Path $Default 'pywats-client.exe'))) 'the program is there'
    }
    Test-Claim 'a product that was announced can be installed' {
        Install-Client $Msi
        Assert-Program $Default $Chosen
        Assert-Running
    }
    # Here and not by the list of installed products, which an announced one is not in.
    Test-Claim 'a product that was announced can be removed' {
        $code = Invoke-Msiexec "/x `"$Msi`""
        Assert-That ($code -eq 0) "the removal ended with $code"
        Assert-NothingInstalled
    }
}
