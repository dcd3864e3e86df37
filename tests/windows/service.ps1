# How the service is registered, and its source in the event log. Part of installer.ps1.

$Account = 'NT SERVICE\pywats-client'
$EventKey = "HKLM:\SYSTEM\CurrentControlSet\Services\EventLog\Application\$ServiceName"

# The account of the service, as the service manager has it.
function Get-ServiceAccount {
    return (Get-CimInstance Win32_Service -Filter "Name='$ServiceName'").StartName
}

function Assert-Account([string] $Expected) {
    $found = Get-ServiceAccount
    Assert-That ($found -eq $Expected) "the account of the service is $found, not $Expected"
}

# A value that only the registry shows; the service manager keeps it there.
function Get-ServiceValue([string] $Name) {
    return (Get-Item "HKLM:\SYSTEM\CurrentControlSet\Services\$ServiceName").GetValue($Name, $null)
}

function Test-ServiceSettings {
    Install-Client $Msi "INSTALLDIR=`"$Chosen`""
    Test-Claim 'the service starts automatically, delayed, from the chosen folder' {
        $registered = Get-Registration 'qc'
        Assert-That ($registered -match 'AUTO_START\s+\(DELAYED\)') "its start is not delayed:`n$registered"
        $command = "`"$(Join-Path $Chosen 'pywats-client.exe')`" run --service"
        Assert-That ($registered.Contains($command)) "its command is not ${command}:`n$registered"
    }
    Test-Claim 'the service has an account of its own' { Assert-Account $Account }
    Test-Claim 'the service is restarted a minute after each failure' {
        $recovery = Get-Registration 'qfailure'
        Assert-That ($recovery -match 'RESET_PERIOD.*:\s*86400') "the count starts anew at another time:`n$recovery"
        $restarts = [regex]::Matches($recovery, 'RESTART\s+--\s+Delay\s+=\s+60000')
        Assert-That ($restarts.Count -eq 3) "it has $($restarts.Count) restarts, not 3:`n$recovery"
    }
    Test-Claim 'the service is restarted after it ended with an error, too' {
        $flag = Get-Registration 'qfailureflag'
        Assert-That ($flag -match 'NONCRASH\S*\s*:\s*TRUE') "it is restarted after a crash only:`n$flag"
    }
    Test-Claim 'a shutdown of the machine waits 30 s for the service' {
        # A number of milliseconds; sc.exe has no query for it before Windows 11.
        $timeout = Get-ServiceValue 'PreshutdownTimeout'
        Assert-That ($timeout -eq 30000) "it waits '$timeout' ms"
    }
    Test-Claim 'the service has its identity under whatever account' {
        $identity = Get-Registration 'qsidtype'
        Assert-That ($identity -match ':\s*UNRESTRICTED') "its identity is of another type:`n$identity"
    }
    Test-Claim 'the service has its name and description' {
        $service = Get-CimInstance Win32_Service -Filter "Name='$ServiceName'"
        Assert-That ($service.DisplayName -eq $DisplayName) "its name is $($service.DisplayName)"
        $description = 'Uploads manufacturing test reports to a WATS server'
        Assert-That ($service.Description -eq $description) "its description is '$($service.Description)'"
    }
    Test-Claim 'the service runs, without a configuration too' { Assert-Running }
}

function Test-EventSource {
    Install-Client $Msi
    Assert-Running
    Test-Claim 'the source of events is registered, with messages that are there' {
        $key = Get-Item $EventKey
        # The registry replaces %SystemRoot% while it reads.
        $messages = $key.GetValue('EventMessageFile', '')
        Assert-That (Test-Path -LiteralPath $messages) "the file of messages '$messages' is not there"
        Assert-That ($key.GetValue('TypesSupported', 0) -eq 7) 'not all types of events are supported'
    }
    Test-Claim 'what needs attention is in the event log, and its text can be read' {
        $begin = Get-Date
        Write-Text $Configuration '{ this is no configuration'
        $script:Events = @()
        Wait-Until 'no event was written' {
            $filter = @{ LogName = 'Application'; ProviderName = $ServiceName; StartTime = $begin }
            $script:Events = @(Get-WinEvent -FilterHashtable $filter -ErrorAction SilentlyContinue)
            $script:Events.Count -gt 0
        }
        foreach ($found in $script:Events) {
            # Windows says 'The description for Event ID ... cannot be found' where a source is broken.
            $readable = $found.Message -and $found.Message -notmatch 'description for Event ID'
            Assert-That $readable "the event $($found.Id) of $($found.ProviderName) has no text: $($found.Message)"
            Assert-That ($found.Id -in @(1, 2)) "an event has the number $($found.Id)"
        }
    }
    Test-Claim 'the source of events goes with the product' {
        $code = Invoke-Msiexec "/x `"$Msi`""
        Assert-That ($code -eq 0) "the removal ended with $code"
        Assert-That (-not (Test-Path $EventKey)) "$EventKey is still there"
    }
}
