# A standard user of the test station, made for the test and removed at its end. Part of installer.ps1.

# The group of standard users by its identifier: its name depends on the language of Windows.
function Get-UsersGroup {
    $group = New-Object System.Security.Principal.SecurityIdentifier 'S-1-5-32-545'
    return Split-Path -Leaf ($group.Translate([System.Security.Principal.NTAccount]).Value)
}

# Through ADSI, which both PowerShells have: New-LocalUser of some versions of PowerShell 7 does not load. The password
# is in no command line.
function New-TestUser {
    $machine = [ADSI] "WinNT://$env:COMPUTERNAME,computer"
    $user = $machine.Create('User', $UserName)
    $user.SetPassword($UserPassword)
    $user.SetInfo()
    $script:UserMade = $true
    ([ADSI] "WinNT://$env:COMPUTERNAME/$(Get-UsersGroup),group").Add("WinNT://$env:COMPUTERNAME/$UserName")
    # For what the user is to run and to answer; everybody may write here.
    $null = New-Item -ItemType Directory -Force $Exchange
    Copy-Item (Join-Path $PSScriptRoot 'user.ps1') $Exchange
}

function Remove-TestUser {
    # Never one that was there before.
    if (-not $script:UserMade) { return }
    try {
        # A service that ran under the account has left a profile.
        Get-CimInstance Win32_UserProfile -Filter "SID='$(Get-TestUserSid)'" | Remove-CimInstance
    } catch {
        Write-Host "    the profile of $UserName was not removed: $($_.Exception.Message)"
    }
    try {
        ([ADSI] "WinNT://$env:COMPUTERNAME,computer").Delete('User', $UserName)
    } catch {
        Write-Host "    the user $UserName was not removed: $($_.Exception.Message)"
    }
}

# The identifier of the test's user, as S-1-5-21-...
function Get-TestUserSid {
    $account = New-Object System.Security.Principal.NTAccount $env:COMPUTERNAME, $UserName
    return $account.Translate([System.Security.Principal.SecurityIdentifier]).Value
}

# Runs user.ps1 as the standard user, with more parameters of it; returns what became of each attempt, by its name.
function Invoke-AsUser([string] $What, [hashtable] $More = @{}) {
    $result = Join-Path $Exchange "$What.txt"
    # The user may have answered the same before.
    Remove-Item $result -ErrorAction SilentlyContinue
    $secret = (New-Object System.Net.NetworkCredential '', $UserPassword).SecurePassword
    $credential = New-Object System.Management.Automation.PSCredential "$env:COMPUTERNAME\$UserName", $secret
    $values = @{ What = $What; Program = $Chosen; Data = $Data; Exchange = $Exchange; Result = $result } + $More
    $named = $values.GetEnumerator() | ForEach-Object { "-$($_.Key) `"$($_.Value)`"" }
    $options = '-NoProfile -NonInteractive -ExecutionPolicy Bypass'
    $start = @{
        FilePath = Join-Path $env:SystemRoot 'System32\WindowsPowerShell\v1.0\powershell.exe'
        ArgumentList = "$options -File `"$(Join-Path $Exchange 'user.ps1')`" $($named -join ' ')"
        Credential = $credential
        WorkingDirectory = $Exchange
        PassThru = $true
    }
    $environment = @{
        # Windows PowerShell does not find its own modules where PowerShell 7 says where its are.
        PSModulePath = ''
        # Where it cannot write temporary files, it takes scripts for restricted by a policy.
        TEMP = $Exchange
        TMP = $Exchange
    }
    $process = Invoke-WithEnvironment $environment { Start-Process @start }
    $null = $process.Handle
    if (-not $process.WaitForExit(120000)) {
        $process.Kill()
        throw "the user's script has not ended after 2 minutes"
    }
    Assert-That (Test-Path $result) "the user's script ended with $($process.ExitCode) and has said nothing"
    $attempts = @{}
    foreach ($line in [System.IO.File]::ReadAllLines($result)) {
        $name, $outcome = $line -split '=', 2
        $attempts[$name] = $outcome
    }
    Assert-That (-not $attempts.ContainsKey('script')) "the user's script failed: $($attempts['script'])"
    return $attempts
}

# Every attempt in the table had the outcome that stands there.
function Assert-Attempts([hashtable] $Attempts, [hashtable] $Expected) {
    $wrong = @(foreach ($name in $Expected.Keys) {
        $found = if ($Attempts.ContainsKey($name)) { $Attempts[$name] } else { 'not tried' }
        if ($found -ne $Expected[$name]) { "${name}: $found, not $($Expected[$name])" }
    })
    Assert-That ($wrong.Count -eq 0) ($wrong -join '; ')
}
