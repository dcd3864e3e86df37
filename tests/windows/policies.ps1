# Group policies, and the signature of the package. Part of installer.ps1.

# What `check` prints of a setting, and its exit code.
function Get-Check([string] $Setting) {
    $said = @(& (Join-Path $Default 'pywats-client.exe') check)
    $code = $LASTEXITCODE
    $line = [string] ($said | Where-Object { $_ -like "$Setting *" })
    return @{ Code = $code; Words = @($line -split '\s+'); All = $said -join "`n" }
}

function Assert-Origin([string] $Origin, [string] $Url) {
    $check = Get-Check 'server.url'
    Assert-That ($check.Code -eq 0) "check ended with $($check.Code):`n$($check.All)"
    $found = $check.Words -join ' '
    Assert-That ($found -eq "server.url $Origin $Url") "check says '$found'"
}

function Test-Policies {
    Start-Station
    $url = "http://$ServerAddress"
    Test-Claim 'without a policy the address is that of the configuration' { Assert-Origin 'file' $url }
    Test-Claim 'a policy overrides the configuration, and the running service notices' {
        # The same server under another name.
        $other = "http://localhost:$(($ServerAddress -split ':')[1])"
        $null = New-Item -Force $PolicyKey
        Set-ItemProperty $PolicyKey 'ServerUrl' $other
        Assert-Origin 'policy' $other
        $log = Join-Path $Data 'logs\pywats-client.log'
        Wait-Until 'the service did not notice the policy' {
            (Get-Content -Raw $log) -match 'set by policy: server\.url'
        }
    }
    Test-Claim 'a standard user cannot write policies' {
        $acl = (Get-Acl $PolicyKey).GetAccessRules($true, $true, [System.Security.Principal.SecurityIdentifier])
        $write = [System.Security.AccessControl.RegistryRights] 'SetValue, CreateSubKey, ChangePermissions'
        # Users, Authenticated Users, Everyone, Interactive.
        $standard = @('S-1-5-32-545', 'S-1-5-11', 'S-1-1-0', 'S-1-5-4')
        $open = @($acl | Where-Object {
            $_.IdentityReference.Value -in $standard -and $_.AccessControlType -eq 'Allow' -and
            ($_.RegistryRights -band $write) -ne 0
        })
        Assert-That ($open.Count -eq 0) "written by $(@($open | ForEach-Object { $_.IdentityReference }) -join ', ')"
    }
    Test-Claim 'a policy that is gone is in force no more' {
        Remove-Item -Recurse $PolicyKey
        Assert-Origin 'file' $url
        Assert-Delivered 1 (Add-Report 1)
    }
    # No policy editor is opened: that needs a person, or a domain.
    Test-Claim 'the templates are XML, and lie where the policy editor looks for them' {
        $namespace = 'http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions'
        foreach ($template in $Templates) {
            $copy = Join-Path $env:SystemRoot $template
            Assert-That (-not (Test-Path $copy)) "$copy is there already"
        }
        $script:CopiedTemplates = $true
        foreach ($template in $Templates) {
            Copy-Item (Join-Path $Default $template) (Join-Path $env:SystemRoot $template)
            $document = New-Object System.Xml.XmlDocument
            $document.Load((Join-Path $env:SystemRoot $template))
            $found = $document.DocumentElement.NamespaceURI
            Assert-That ($found -eq $namespace) "the namespace of $template is $found"
        }
    }
}

function Test-Signatures {
    foreach ($package in @($Msi, $HigherMsi, $SameMsi) | Where-Object { $_ }) {
        $signature = Get-AuthenticodeSignature -LiteralPath $package
        $name = Split-Path -Leaf $package
        if ($signature.Status -eq 'NotSigned') {
            Write-NotRun "the signature of $name" 'the package is not signed'
            continue
        }
        Test-Claim "the signature of $name is valid" {
            Assert-That ($signature.Status -eq 'Valid') "$($signature.Status): $($signature.StatusMessage)"
            # Without a time stamp it would end with its certificate.
            Assert-That ($null -ne $signature.TimeStamperCertificate) 'it has no time stamp'
        }
    }
}
