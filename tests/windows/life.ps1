# One installation from its beginning to its end, step by step. Part of installer.ps1.

function Test-Installation {
    Test-Claim 'a silent installation to a chosen folder ends with 0 and writes its log' {
        Install-Client $Msi "INSTALLDIR=`"$Chosen`""
        Assert-Program $Chosen $Default
        Assert-That (Test-Listed) 'the product is not listed as installed'
    }
    Test-Claim 'the data folders are there' {
        foreach ($name in @('watch', 'done', 'failed', 'logs')) {
            Assert-That (Test-Path (Join-Path $Data $name)) "$name was not made"
        }
    }
    Test-Claim 'the service runs, without a configuration too' { Assert-Running }
}

function Test-Delivery {
    Test-Claim 'the running service takes a configuration up and says that it is ready' {
        Start-Server
        Write-Configuration
        Wait-Ready
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
        $id = Add-QueuedReport 2

        $settings = Get-ServiceSettings
        Install-Client $HigherMsi
        Assert-That ((Get-ServiceSettings) -eq $settings) 'the upgrade changed the settings of the service'
        Assert-Program $Chosen $Default
        Assert-That ((Get-FileDigest $Configuration) -eq $before) 'the upgrade changed the configuration'
        Assert-That ((Get-Setting 'Version') -ne $version) "the registry still has the version $version"
        Assert-Running
        Start-Server
        Assert-Delivered 2 $id
    }
    Test-Claim 'a downgrade is refused and changes nothing' {
        $version = Get-Setting 'Version'
        $null = Assert-Refused "/i `"$Msi`""
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
