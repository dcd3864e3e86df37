# What an administrator does with Windows Installer, the service and the registry. Part of installer.ps1.

# Runs msiexec silently, with a log of its own; returns its exit code.
function Invoke-Msiexec([string] $Arguments) {
    $script:Runs++
    $script:LastLog = Join-Path $Logs ('{0:d2}.log' -f $script:Runs)
    $line = "$Arguments /qn /norestart /l*v `"$($script:LastLog)`""
    Write-Host "    msiexec $($line.Replace($UserPassword, '***'))"
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

# The installation is refused or fails: ERROR_INSTALL_FAILURE. Returns its log.
function Assert-Refused([string] $Arguments) {
    $code = Invoke-Msiexec $Arguments
    Assert-That ($code -eq $InstallFailure) "it ended with $code, not with $InstallFailure"
    return Get-InstallerLog
}

# The log of the last run of msiexec; its byte order mark tells the encoding.
function Get-InstallerLog {
    return [System.IO.File]::ReadAllText($script:LastLog)
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

function Assert-NotRunning {
    # Long enough for a service that was started after all to show.
    Start-Sleep -Seconds 3
    $status = (Get-ClientService).Status
    Assert-That ($status -eq 'Stopped') "the service is $status"
}

# A query of sc.exe about the service, as one text.
function Get-Registration([string] $Query) {
    return (& sc.exe $Query $ServiceName) -join "`n"
}

# Everything that an administrator may have set for the service.
function Get-ServiceSettings {
    $settings = foreach ($query in @('qc', 'qfailure', 'qfailureflag', 'qsidtype')) { Get-Registration $query }
    return $settings -join "`n"
}

function Invoke-Sc {
    $said = (& sc.exe @args) -join "`n"
    Assert-That ($LASTEXITCODE -eq 0) "sc.exe $($args -join ' ') ended with ${LASTEXITCODE}:`n$said"
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

# The product codes of every version that Windows lists as installed.
function Get-ListedProducts {
    $keys = Get-ChildItem 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall'
    $ours = @($keys | Where-Object { $_.GetValue('DisplayName', '') -eq $DisplayName })
    return @($ours | ForEach-Object { $_.PSChildName })
}

function Test-Listed {
    return @(Get-ListedProducts).Count -gt 0
}

function Assert-NothingInstalled {
    Assert-That (-not (Test-Listed)) 'the product is listed as installed'
    Assert-That ($null -eq (Get-ClientService)) 'the service is registered'
    Assert-That (-not (Test-Path $Default)) "$Default is there"
}

function Get-FileDigest([string] $Path) {
    return (Get-FileHash -Algorithm SHA256 $Path).Hash
}

# A random text for passwords and names.
function Get-RandomText {
    $bytes = New-Object byte[] 18
    $random = [System.Security.Cryptography.RandomNumberGenerator]::Create()
    try { $random.GetBytes($bytes) } finally { $random.Dispose() }
    return [System.Convert]::ToBase64String($bytes)
}

# Sets environment variables of this process; an empty value takes one away.
function Set-Environment([hashtable] $Values) {
    foreach ($variable in $Values.Keys) {
        if ($Values[$variable]) {
            [Environment]::SetEnvironmentVariable($variable, $Values[$variable])
        } else {
            # $null would become an empty text, which newer versions of .NET set as such.
            [Environment]::SetEnvironmentVariable($variable, [NullString]::Value)
        }
    }
}

# Does something with other environment variables, which programs that it starts get.
function Invoke-WithEnvironment([hashtable] $Values, [scriptblock] $Deed) {
    $earlier = @{}
    foreach ($variable in $Values.Keys) { $earlier[$variable] = [Environment]::GetEnvironmentVariable($variable) }
    try {
        Set-Environment $Values
        return & $Deed
    } finally {
        Set-Environment $earlier
    }
}

# --- Before and after -----------------------------------------------------------------------------------------

function Assert-CleanMachine {
    $user = New-Object Security.Principal.WindowsPrincipal ([Security.Principal.WindowsIdentity]::GetCurrent())
    $elevated = $user.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
    Assert-That $elevated 'run this in an elevated PowerShell'
    Assert-That ($null -eq (Get-ClientService)) "the service $ServiceName is there already; use another machine"
    foreach ($folder in (Get-OwnFolders) + @($Exchange, $SettingsKey, $PolicyKey)) {
        Assert-That (-not (Test-Path -LiteralPath $folder)) "$folder is there already; use another machine"
    }
}

# The folders that a section may leave.
function Get-OwnFolders {
    $aside = @(Get-Item -Force -Path "$Data.untrusted*" | ForEach-Object { $_.FullName })
    return @($Data, $Default, (Split-Path $Chosen), (Split-Path $Reports), $Shared, $PlantedWatch) + $aside
}

# Takes away whatever a section has left, in whatever state it ended.
function Reset-Machine {
    Stop-Server
    Stop-Foreground
    foreach ($product in @(Get-ListedProducts)) { $null = Invoke-Msiexec "/x $product PURGEDATA=1" }
    if ($null -ne (Get-ClientService)) {
        Stop-Service $ServiceName -Force -ErrorAction SilentlyContinue
        $null = & sc.exe delete $ServiceName
    }
    $policies = Split-Path $PolicyKey
    Remove-Item -Recurse -Force $PolicyKey, $SettingsKey -ErrorAction SilentlyContinue
    if ((Test-Path $policies) -and @(Get-ChildItem $policies).Count -eq 0) {
        Remove-Item -Force $policies -ErrorAction SilentlyContinue
    }
    if ($script:ShareMade) {
        Remove-SmbShare -Name $ShareName -Force -ErrorAction SilentlyContinue
        $script:ShareMade = $false
    }
    foreach ($folder in Get-OwnFolders) {
        $item = Get-Item -Force -LiteralPath $folder -ErrorAction SilentlyContinue
        if ($null -eq $item) { continue }
        if ($item.Attributes -band [System.IO.FileAttributes]::ReparsePoint) {
            # The link alone, not what it leads to.
            [System.IO.Directory]::Delete($folder)
        } else {
            Remove-Item -Recurse -Force -LiteralPath $folder -ErrorAction SilentlyContinue
        }
    }
    if ($script:CopiedTemplates) {
        $copies = $Templates | ForEach-Object { Join-Path $env:SystemRoot $_ }
        Remove-Item -Force $copies -ErrorAction SilentlyContinue
        $script:CopiedTemplates = $false
    }
}

function Clear-Machine {
    try {
        Reset-Machine
    } finally {
        Remove-TestUser
        Remove-Item -Recurse -Force $Work, $Exchange -ErrorAction SilentlyContinue
    }
}
