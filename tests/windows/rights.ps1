# Who may do what: the access rights as they are written, and what a standard user can do in fact. Part of
# installer.ps1; the rights themselves are in crates/packager/src/formats/msi/rights.rs.

# The identity of the service, which follows from its name.
$ServiceSid = 'S-1-5-80-690038881-2362455650-554337083-1295761151-351279633'
$Masters = 'O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)'
$ProgramRights = "$Masters(A;OICI;0x1200a9;;;BU)"
$DataRights = "$Masters(A;OICI;0x1301bf;;;$ServiceSid)(A;;0x1200a9;;;BU)"
$DropRights = "$Masters(A;OICI;0x1301bf;;;$ServiceSid)(A;;0x1200ab;;;BU)(A;OIIO;0x1301bf;;;CO)"
$SecretRights = "O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;$ServiceSid)"
# What a file inherits from the folder of the program, and what a file or folder does from that of the data. Files that
# Windows Installer writes belong to the system, until a repair sets all access rights anew.
$ProgramFileRights = @('O:SY', 'O:BA') | ForEach-Object { "${_}D:(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)" }
$DataFolderRights = "O:BAD:(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;0x1301bf;;;$ServiceSid)"
$DataFileRights = "O:BAD:(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1301bf;;;$ServiceSid)"

# Owner, protection and entries in one notation, and the entries in one order: .NET sorts them anew.
function Get-PlainRights([string] $Sddl) {
    $descriptor = New-Object System.Security.AccessControl.RawSecurityDescriptor $Sddl
    $sections = [System.Security.AccessControl.AccessControlSections] 'Owner, Access'
    $text = $descriptor.GetSddlForm($sections)
    $entries = @([regex]::Matches($text, '\([^)]*\)') | ForEach-Object { $_.Value } | Sort-Object)
    # AI and AR only say that rights came by inheritance, or might have.
    $head = ($text -replace '\(.*$', '') -replace 'D:(P?)[AIR]*$', 'D:$1'
    return $head + ($entries -join '')
}

# The rights are one of those that are given.
function Assert-Rights([string] $Path, [string[]] $Expected) {
    $found = Get-PlainRights (Get-Acl -LiteralPath $Path).Sddl
    $wanted = @($Expected | ForEach-Object { Get-PlainRights $_ })
    Assert-That ($wanted -contains $found) "the access rights of $Path are $found, not $($wanted -join ' or ')"
}

function Test-Rights {
    Test-Claim 'a standard user can put something into a data folder that an administrator made' {
        New-DataFolder
        Add-Planted
        foreach ($name in $Planted) { Assert-MadeByUser (Join-Path $Data $name) }
    }
    Start-Server
    $tokenFile = Join-Path $Work 'token.txt'
    Write-Text $tokenFile $Token
    $properties = "INSTALLDIR=`"$Chosen`" SERVERURL=http://$ServerAddress TOKENFILE=`"$tokenFile`""
    Install-Client $Msi $properties
    Assert-Running
    Test-Claim 'the identity of the service is the one that access rights name' {
        $said = (& sc.exe showsid $ServiceName) -join "`n"
        Assert-That ($said.Contains($ServiceSid)) "sc.exe says otherwise:`n$said"
    }
    Test-Claim 'program, data and watch folder have their rights, whoever made what is in them' {
        foreach ($folder in @((Split-Path $Chosen), $Chosen)) { Assert-Rights $folder $ProgramRights }
        Assert-Rights (Join-Path $Chosen 'pywats-client.exe') $ProgramFileRights
        Assert-Rights $Data $DataRights
        Assert-Rights (Join-Path $Data 'watch') $DropRights
        foreach ($name in @('done', 'failed', 'logs')) {
            Assert-Rights (Join-Path $Data $name) $DataFolderRights
        }
        foreach ($name in @('planted.txt', 'done\planted.txt')) {
            Assert-Rights (Join-Path $Data $name) $DataFileRights
        }
    }
    Test-Claim 'configuration and token that a standard user planted are set aside, and nothing else is' {
        foreach ($name in @('config.json', 'token')) { Assert-Planted (Join-Path $Data "$name.untrusted") }
        foreach ($name in @('planted.txt', 'done\planted.txt')) { Assert-Planted (Join-Path $Data $name) }
        Assert-That (-not (Test-Path "$Data.untrusted")) "$Data.untrusted was made"
        $written = [System.IO.File]::ReadAllText($Configuration)
        Assert-That ($written.Contains($ServerAddress)) "the configuration is $written"
        $copied = [System.IO.File]::ReadAllText((Join-Path $Data 'token'))
        Assert-That ($copied.Trim() -eq $Token) 'the token is not the one that was given'
    }
    Test-Claim 'configuration and token are for administrators and the service alone' {
        foreach ($name in @('config.json', 'token')) { Assert-Rights (Join-Path $Data $name) $SecretRights }
    }
    Test-Claim 'a standard user changes and reads nothing, and drops reports' {
        Write-Text (Join-Path $Data 'watch\foreign.tmp') 'of somebody else'
        Write-Text (Join-Path $Exchange 'report.json') (Get-ReportText 9)
        $refused = @('change program', 'delete license', 'add to program', 'add to data', 'add folder to data',
            "read another's", "delete another's")
        foreach ($name in @('config.json', 'token', 'planted.txt', 'done\planted.txt')) {
            $refused += @("read $name", "change $name")
        }
        foreach ($name in @('done', 'failed', 'logs')) { $refused += @("list $name", "add to $name") }
        $expected = @{}
        foreach ($name in $refused) { $expected[$name] = 'refused' }
        $allowed = @('read program', 'list watch', 'create own', 'finish own', 'read own', 'rename own')
        foreach ($name in $allowed) { $expected[$name] = 'allowed' }
        Assert-Attempts (Invoke-AsUser 'after') $expected
    }
    Test-Claim 'the report that a standard user dropped reaches the server' {
        Assert-Delivered 9 (Get-ReportId 9)
    }
    Test-Claim 'a repair sets access rights that somebody has loosened' {
        $loose = Get-Acl -LiteralPath $Chosen
        $everyone = New-Object System.Security.Principal.SecurityIdentifier 'S-1-1-0'
        $rule = New-Object System.Security.AccessControl.FileSystemAccessRule $everyone, 'FullControl', 'Allow'
        $loose.AddAccessRule($rule)
        Set-Acl -LiteralPath $Chosen -AclObject $loose
        $code = Invoke-Msiexec "/fomus `"$Msi`""
        Assert-That ($code -eq 0) "the repair ended with $code"
        Assert-Rights $Chosen $ProgramRights
    }
}
