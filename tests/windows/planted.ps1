# What a standard user made before the installer came, to own it afterwards. Part of installer.ps1.

# What user.ps1 puts into the data folder.
$Planted = @('planted.txt', 'config.json', 'token', 'done\planted.txt')

# The data folder, made by an administrator; users may write into it as into any folder there.
function New-DataFolder {
    $null = New-Item -ItemType Directory $Data
    $acl = Get-Acl -LiteralPath $Data
    # Depending on a policy of Windows, a new folder belongs to the one administrator.
    $acl.SetOwner((New-Object System.Security.Principal.SecurityIdentifier 'S-1-5-32-544'))
    Set-Acl -LiteralPath $Data -AclObject $acl
}

function Add-Planted {
    $expected = @{ 'data folder' = 'allowed' }
    foreach ($name in $Planted) { $expected[$name] = 'allowed' }
    Assert-Attempts (Invoke-AsUser 'data') $expected
}

function Assert-MadeByUser([string] $Path) {
    $owner = (Get-Acl -LiteralPath $Path).GetOwner([System.Security.Principal.SecurityIdentifier]).Value
    Assert-That ($owner -eq (Get-TestUserSid)) "$Path belongs to $owner, so what becomes of it proves nothing"
}

function Assert-Planted([string] $Path) {
    Assert-That (Test-Path -LiteralPath $Path) "$Path is not there"
    $text = [System.IO.File]::ReadAllText($Path)
    Assert-That ($text -eq 'planted') "$Path is not what the user wrote, but $text"
}

# The data folder is a new one, and everything that the user put into the other is in the folder that is named.
function Assert-Replaced([string] $Aside) {
    foreach ($name in $Planted) { Assert-Planted (Join-Path $Aside $name) }
    foreach ($name in @('planted.txt', 'done\planted.txt')) {
        Assert-That (-not (Test-Path (Join-Path $Data $name))) "$name is in the new folder, too"
    }
    Assert-Rights $Data $DataRights
    Assert-Rights (Join-Path $Data 'watch') $DropRights
}

function Test-PlantedFolders {
    Test-Claim 'a program folder that a standard user made is refused, even an empty one' {
        Assert-Attempts (Invoke-AsUser 'program') @{ 'program folder' = 'allowed' }
        Assert-MadeByUser $Chosen
        $log = Assert-Refused "/i `"$Msi`" INSTALLDIR=`"$Chosen`""
        Assert-That ($log.Contains('a standard user made the folder')) 'the log does not say why'
        Assert-MadeByUser $Chosen
        Assert-NothingInstalled
        Assert-That (-not (Test-Path $Data)) "$Data was made"
    }
    Test-Claim 'a data folder that a standard user made is renamed with all that is in it, and another is made' {
        Add-Planted
        Assert-MadeByUser $Data
        Install-Client $Msi "SERVERURL=http://$ServerAddress"
        Assert-Replaced "$Data.untrusted"
        $written = [System.IO.File]::ReadAllText($Configuration)
        Assert-That ($written.Contains($ServerAddress)) "the configuration is $written"
        Assert-That (-not (Test-Path (Join-Path $Data 'token'))) 'a token is there that nobody has given'
        Assert-Running
    }
    Test-Claim 'a second one is renamed as well, and leaves the first alone' {
        $code = Invoke-Msiexec "/x `"$Msi`" PURGEDATA=1"
        Assert-That ($code -eq 0) "the removal ended with $code"
        Assert-That (-not (Test-Path $Data)) "$Data is still there"
        Add-Planted
        Install-Client $Msi
        Assert-Replaced "$Data.untrusted-2"
        foreach ($name in $Planted) { Assert-Planted (Join-Path "$Data.untrusted" $name) }
        Assert-That (-not (Test-Path $Configuration)) 'a configuration is there that nobody has given'
        Assert-Running
    }
}
