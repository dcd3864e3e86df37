# The public properties: what each does, that it is remembered, and that what cannot work is refused. Part of
# installer.ps1.

function Test-FirstConfiguration {
    Start-Server
    $tokenFile = Join-Path $Work 'token.txt'
    Write-Text $tokenFile "$Token`r`n"
    $url = "http://$ServerAddress"
    $given = "SERVERURL=$url TOKENFILE=`"$tokenFile`" WATCHFOLDER=`"$Reports`""
    Test-Claim 'what is given becomes the first configuration' {
        Install-Client $Msi $given
        Assert-That (-not (Get-InstallerLog).Contains($Token)) 'the token is in the log'
        Remove-Item $tokenFile
        # Not with Get-Content: Windows PowerShell takes the file for one in the code page of the system.
        $written = [System.IO.File]::ReadAllText($Configuration) | ConvertFrom-Json
        Assert-That ($written.server.url -eq $url) "the address is $($written.server.url)"
        $copy = Join-Path $Data 'token'
        Assert-That ($written.server.token_file -eq $copy) "the token is read from $($written.server.token_file)"
        Assert-That ($written.client.watch_folder -eq $Reports) "the reports come from $($written.client.watch_folder)"
        Assert-That (([System.IO.File]::ReadAllText($copy)).Trim() -eq $Token) 'the token is another'
    }
    Test-Claim 'the watch folder is made, for everyone to drop files into' { Assert-Rights $Reports $DropRights }
    Test-Claim 'the service delivers by its first configuration' {
        Assert-Running
        Assert-Delivered 1 (Add-Report 1 $Reports)
    }
    Test-Claim 'a configuration that is there stays as it is' {
        $before = Get-FileDigest $Configuration
        $code = Invoke-Msiexec "/x `"$Msi`""
        Assert-That ($code -eq 0) "the removal ended with $code"
        Install-Client $Msi 'SERVERURL=https://other.example'
        Assert-That ((Get-FileDigest $Configuration) -eq $before) 'the configuration was changed'
        Assert-That ((Get-InstallerLog).Contains('exists and stays as it is')) 'the log does not say so'
    }
    if (-not $HigherMsi) { return Write-NotRun 'the first configuration in an upgrade' 'no -HigherMsi' }
    Test-Claim 'an upgrade is given the same again, although the file with the token is gone' {
        Assert-That (-not (Test-Path $tokenFile)) "$tokenFile is still there"
        $before = @((Get-FileDigest $Configuration), (Get-FileDigest (Join-Path $Data 'token')))
        Install-Client $HigherMsi $given
        Assert-That ((Get-FileDigest $Configuration) -eq $before[0]) 'the configuration was changed'
        Assert-That ((Get-FileDigest (Join-Path $Data 'token')) -eq $before[1]) 'the token was changed'
        Assert-Running
        Start-Server
        Assert-Delivered 2 (Add-Report 2 $Reports)
    }
}

# A share on which everybody may change files, and nobody access rights.
function New-Share([string] $Folder) {
    $null = New-Item -ItemType Directory $Folder
    $everyone = New-Object System.Security.Principal.SecurityIdentifier 'S-1-1-0'
    $name = $everyone.Translate([System.Security.Principal.NTAccount]).Value
    $null = New-SmbShare -Name $ShareName -Path $Shared -ChangeAccess $name
    $script:ShareMade = $true
}

function Test-SharedWatchFolder {
    if ((Get-Service LanmanServer).Status -ne 'Running') {
        return Write-NotRun 'a watch folder on a share' 'this machine offers no shares: LanmanServer does not run'
    }
    Test-Claim 'a watch folder on a share, whose access rights the machine may not change, is taken as it is' {
        $folder = Join-Path $Shared 'Reports'
        New-Share $folder
        $before = (Get-Acl -LiteralPath $folder).Sddl
        $path = "\\localhost\$ShareName\Reports"
        Install-Client $Msi "SERVERURL=https://wats.example WATCHFOLDER=$path"
        Assert-That ((Get-InstallerLog).Contains('its access rights are left alone')) 'the log does not say so'
        Assert-That ((Get-Acl -LiteralPath $folder).Sddl -eq $before) 'its access rights were changed'
        $written = [System.IO.File]::ReadAllText($Configuration) | ConvertFrom-Json
        Assert-That ($written.client.watch_folder -eq $path) "the reports come from $($written.client.watch_folder)"
        Assert-Running
    }
}

# Properties that cannot work, and the sentence that says so.
function Get-Refusals {
    $tools = Split-Path $Chosen
    $empty = Join-Path $Work 'empty.txt'
    Write-Text $empty ''
    $none = Join-Path $Work 'none.txt'
    # A folder with something in it that is not ours.
    $null = New-Item -ItemType Directory -Force (Join-Path $tools 'other')
    return @(
        @('SERVERURL=wats.example', 'SERVERURL=wats.example: the server''s address cannot be read'),
        @("TOKENFILE=`"$none`"", "TOKENFILE=${none}: there is no such file"),
        @("TOKENFILE=`"$empty`"", 'the file is empty'),
        @('WATCHFOLDER=Reports', 'WATCHFOLDER=Reports: write the full path of a folder'),
        @('INSTALLSERVICE=yes', 'INSTALLSERVICE=yes: write 1 for yes or 0 for no'),
        @("INSTALLDIR=`"$tools`"", 'choose a folder of its own'),
        @("INSTALLDIR=`"$env:SystemRoot\pywats`"", "this folder is Windows' own"),
        @("SERVICEACCOUNT=.\nobody-$PID SERVICEPASSWORD=`"$UserPassword`"", 'there is no such account'),
        @("SERVICEACCOUNT=.\$UserName", 'this account has a password; give it too')
    )
}

function Test-Refusals {
    foreach ($refusal in Get-Refusals) {
        $properties, $sentence = $refusal
        Test-Claim "refused, and nothing changed: $($properties.Replace($UserPassword, '***'))" {
            $log = Assert-Refused "/i `"$Msi`" $properties"
            Assert-That ($log.Contains($sentence)) "'$sentence' is not in the log"
            Assert-That (-not $log.Contains($UserPassword)) 'the password is in the log'
            Assert-NothingInstalled
            Assert-That (-not (Test-Path $Data)) "$Data was made"
        }
    }
    Test-Claim 'a data folder that is a link is refused, and what it leads to is left alone' {
        $elsewhere = (New-Item -ItemType Directory (Join-Path $Work 'elsewhere')).FullName
        $before = (Get-Acl $elsewhere).Sddl
        $null = New-Item -ItemType Junction -Path $Data -Target $elsewhere
        $log = Assert-Refused "/i `"$Msi`""
        Assert-That ($log.Contains('this is a link')) 'the log does not say why'
        Assert-That ((Get-Acl $elsewhere).Sddl -eq $before) 'its access rights were changed'
        Assert-NothingInstalled
    }
}

# The accounts that may log on as a service: those of the machine by name, others as * and an identifier.
function Get-ServiceLogons {
    $file = Join-Path $Work 'rights.inf'
    $null = & secedit.exe /export /areas USER_RIGHTS /cfg $file /quiet
    Assert-That (Test-Path $file) "secedit.exe ended with $LASTEXITCODE and has written nothing"
    $line = [string] (Get-Content $file | Where-Object { $_ -like 'SeServiceLogonRight*' })
    Remove-Item $file
    # SeServiceLogonRight = *S-1-5-80-0,name
    return @(($line -replace '^[^=]*=', '') -split ',' | ForEach-Object { $_.Trim() })
}

function Test-AccountWithPassword {
    $name = ".\$UserName"
    Test-Claim 'the service runs under an account with a password, which is not in the log' {
        Install-Client $Msi "SERVICEACCOUNT=$name SERVICEPASSWORD=`"$UserPassword`""
        Assert-That (-not (Get-InstallerLog).Contains($UserPassword)) 'the password is in the log'
        Assert-Account $name
        Assert-Running
    }
    Test-Claim 'the account may log on as a service' {
        $logons = @(Get-ServiceLogons)
        $has = $logons -contains $UserName -or $logons -contains "*$(Get-TestUserSid)"
        Assert-That $has "the right was not given to $name, but to $($logons -join ', ')"
    }
    Test-Claim 'the service works under that account' {
        Start-Server
        Write-Configuration
        Wait-Ready
        Assert-Delivered 1 (Add-Report 1)
    }
    if (-not $HigherMsi) { return Write-NotRun 'the account in an upgrade' 'no -HigherMsi' }
    Test-Claim 'an upgrade keeps account and password, without being told either' {
        Install-Client $HigherMsi
        Assert-Account $name
        Assert-Running
        Start-Server
        Assert-Delivered 2 (Add-Report 2)
    }
}

function Assert-Features([bool] $Service, [bool] $Path, [bool] $Menu) {
    Assert-That (($null -ne (Get-ClientService)) -eq $Service) "that there is a service is not $Service"
    $entries = [Environment]::GetEnvironmentVariable('Path', 'Machine') -split ';'
    $there = @($entries | Where-Object { $_.TrimEnd('\') -eq $Default }).Count -gt 0
    Assert-That ($there -eq $Path) "that PATH has the folder is not ${Path}: $entries"
    $folder = Join-Path ([Environment]::GetFolderPath('CommonPrograms')) $DisplayName
    Assert-That ((Test-Path $folder) -eq $Menu) "that there is $folder is not $Menu"
    if ($Menu) {
        $page = Get-Content -Raw (Join-Path $folder 'Status page.url')
        Assert-That ($page.Contains('URL=http://127.0.0.1:8080/')) "the status page leads to $page"
        Assert-That (Test-Path (Join-Path $folder 'Configuration and data.lnk')) 'there is no link to the data'
    }
}

function Test-Features {
    Test-Claim 'service, PATH and Start menu are there, and go with the product' {
        Install-Client $Msi
        Assert-Features $true $true $true
        $code = Invoke-Msiexec "/x `"$Msi`""
        Assert-That ($code -eq 0) "the removal ended with $code"
        Assert-Features $false $false $false
    }
    Test-Claim 'each can be left out' {
        Install-Client $Msi 'INSTALLSERVICE=0 ADDTOPATH=0 STARTMENU=0'
        Assert-Features $false $false $false
        Assert-That (Test-Path (Join-Path $Default 'pywats-client.exe')) 'the program is missing'
    }
    if ($HigherMsi) {
        Test-Claim 'what was left out stays out in an upgrade, and can be added' {
            Install-Client $HigherMsi
            Assert-Features $false $false $false
            Install-Client $HigherMsi 'INSTALLSERVICE=1 ADDTOPATH=1'
            Assert-Features $true $true $false
            Assert-Running
        }
    } else {
        Write-NotRun 'features in an upgrade' 'no -HigherMsi'
    }
}

function Test-FeaturesChosenLater {
    Test-Claim 'a feature that is taken out of an installed version stays out in an upgrade' {
        Install-Client $Msi
        Assert-Features $true $true $true
        Install-Client $Msi 'INSTALLSERVICE=0'
        Assert-Features $false $true $true
        Install-Client $HigherMsi
        Assert-Features $false $true $true
    }
}

function Test-ServiceNotStarted {
    Test-Claim 'STARTSERVICE=0 registers the service and does not start it' {
        Install-Client $Msi 'STARTSERVICE=0'
        Assert-NotRunning
    }
    if (-not $HigherMsi) { return Write-NotRun 'STARTSERVICE=0 in an upgrade' 'no -HigherMsi' }
    Test-Claim 'STARTSERVICE=0 holds for an upgrade, too' {
        Install-Client $HigherMsi
        Assert-NotRunning
    }
    Test-Claim 'a service that was not started at first, and was by an administrator later, runs after an upgrade' {
        Reset-Machine
        Install-Client $Msi 'STARTSERVICE=0'
        Assert-NotRunning
        Start-Service $ServiceName
        Assert-Running
        Install-Client $HigherMsi
        Assert-Running
    }
}

function Test-Purge {
    Install-Client $Msi "SERVERURL=https://wats.example PURGEDATA=1"
    Write-Text (Join-Path $Data 'done\kept.json') '{}'
    $installed = $Msi
    if ($HigherMsi) {
        $installed = $HigherMsi
        Test-Claim 'an upgrade takes no data along, whatever PURGEDATA says' {
            Install-Client $HigherMsi 'PURGEDATA=1'
            Assert-That (Test-Path (Join-Path $Data 'done\kept.json')) 'the data is gone'
        }
    } else {
        Write-NotRun 'PURGEDATA in an upgrade' 'no -HigherMsi'
    }
    Test-Claim 'a removal takes no data along when it is not told to' {
        $code = Invoke-Msiexec "/x `"$installed`""
        Assert-That ($code -eq 0) "the removal ended with $code"
        Assert-That (Test-Path $Configuration) 'the configuration is gone'
        Assert-That (Test-Path (Join-Path $Data 'done\kept.json')) 'the data is gone'
    }
    Test-Claim 'a removal takes configuration and data along when it is told to' {
        Install-Client $installed
        $code = Invoke-Msiexec "/x `"$installed`" PURGEDATA=1"
        Assert-That ($code -eq 0) "the removal ended with $code"
        Assert-That (-not (Test-Path $Data)) "$Data is still there"
        Assert-NothingInstalled
    }
}
