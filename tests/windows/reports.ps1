# The server that the installed client sends to, and the reports that it sends. Part of installer.ps1.

# Starts the server with an empty folder of records, always at the same address.
function Start-Server {
    Stop-Server
    $script:Records = Join-Path $Work ('records-' + [guid]::NewGuid().ToString('N'))
    $arguments = "--ignore-stdin --listen $ServerAddress --token $Token --record `"$($script:Records)`""
    $script:Server = Start-Process -FilePath $TestServer -ArgumentList $arguments -PassThru -NoNewWindow
    Wait-Until 'the test server did not answer' {
        (& curl.exe --silent --max-time 5 --output NUL --write-out '%{http_code}' "http://$ServerAddress/") -ne '000'
    }
}

function Stop-Server {
    if ($null -eq $script:Server) { return }
    if (-not $script:Server.HasExited) {
        Stop-Process -InputObject $script:Server -Force
        $null = $script:Server.WaitForExit(10000)
    }
    $script:Server = $null
}

# A station at work: installed, with a server, a configuration that leads there, and the service ready.
function Start-Station([string] $Properties = '') {
    Start-Server
    Install-Client $Msi $Properties
    Write-Configuration
    Wait-Ready
}

function Wait-Ready {
    Wait-Until 'the health endpoint did not say that the service is ready' {
        (Get-Health '/health/ready') -match '"status":\s*"ready"'
    }
}

# Puts a report into the queue while there is no server that would take it; returns its id.
function Add-QueuedReport([int] $Number) {
    Stop-Server
    $id = Add-Report $Number
    Wait-Queued
    return $id
}

function Wait-Queued {
    Wait-Until 'no report is queued' { (Get-Health '/health/details') -match '"pending_count":\s*1\b' }
}

# A TCP port that was free a moment ago.
function Get-FreePort {
    $listener = New-Object System.Net.Sockets.TcpListener ([System.Net.IPAddress]::Loopback, 0)
    $listener.Start()
    try { return $listener.LocalEndpoint.Port } finally { $listener.Stop() }
}

# Writes UTF-8 without a byte order mark, which Set-Content of Windows PowerShell would add.
function Write-Text([string] $Path, [string] $Text) {
    [System.IO.File]::WriteAllText($Path, $Text)
}

function Write-Configuration {
    $values = @{
        server = @{ url = "http://$ServerAddress"; token = $Token; proxy = 'none' }
        upload = @{ retry_initial_seconds = 1; retry_max_seconds = 2 }
        health = @{ port = $HealthPort }
    }
    Write-Text $Configuration ($values | ConvertTo-Json)
}

function Get-ReportId([int] $Number) {
    return '33a2d408-3fc8-480b-b554-6866c77fd9{0:x2}' -f $Number
}

# The sample report with the id that belongs to a number.
function Get-ReportText([int] $Number) {
    $text = [System.IO.File]::ReadAllText($Sample)
    $original = '33a2d408-3fc8-480b-b554-6866c77fd91c'
    Assert-That ($text.Contains($original)) "the sample report has another id than $original"
    return $text.Replace($original, (Get-ReportId $Number))
}

# Puts a report into a watch folder as careful programs do, by renaming; returns its id.
function Add-Report([int] $Number, [string] $Folder = (Join-Path $Data 'watch')) {
    $temporary = Join-Path $Folder "$Number.json.tmp"
    Write-Text $temporary (Get-ReportText $Number)
    Rename-Item $temporary "$Number.json"
    return Get-ReportId $Number
}

# The report has arrived as the only one since the server started, and its file lies in done.
function Assert-Delivered([int] $Number, [string] $Id) {
    Wait-Until "report $Number did not arrive" { Test-Path (Join-Path $script:Records '0001.json') }
    Wait-Until "report $Number is not in done" { Test-Path (Join-Path $Data "done\$Number.json") }
    $records = @(Get-ChildItem $script:Records -Filter '*.json')
    Assert-That ($records.Count -eq 1) "$($records.Count) reports arrived instead of one"
    $report = Get-Content -Raw $records[0].FullName | ConvertFrom-Json
    Assert-That ($report.id -eq $Id) "the report that arrived has the id $($report.id)"
    Assert-That ($report.sn -eq 'FATTest-325') "the report that arrived has the serial number $($report.sn)"
}

# The answer of a health endpoint; curl.exe is part of Windows, and takes 503 for an answer like another.
function Get-Health([string] $Path) {
    return (& curl.exe --silent --max-time 5 "http://127.0.0.1:$HealthPort$Path") -join "`n"
}
