# Copies of a package that fail on purpose, as break_at in tests/acceptance/src/suites/wine/upgrades.rs makes them. Part of
# installer.ps1.

# Types of custom actions from the DLL of the package.
$ImmediateAction = 1
$DeferredAction = 0xc01
$SetProperty = 51
# Where the property with the action's data is set.
$BeforeTheTransaction = 1450

# Windows Installer's objects tell PowerShell nothing of their members, so each is called by its name.
function Invoke-Member($Target, [string] $Name, [object[]] $Arguments = @(), [string] $Kind = 'InvokeMethod') {
    return $Target.GetType().InvokeMember($Name, $Kind, $null, $Target, $Arguments)
}

function Add-Row($Database, [string] $Query) {
    $view = Invoke-Member $Database 'OpenView' @($Query)
    try {
        $null = Invoke-Member $view 'Execute'
        $null = Invoke-Member $view 'Close'
    } finally {
        $null = [System.Runtime.InteropServices.Marshal]::FinalReleaseComObject($view)
    }
}

# Writes a copy of a package that fails at a place in its sequence, by an action of its DLL with data that it cannot
# make sense of. A deferred one runs in the transaction. A condition says when it fails; without one it always does.
function New-BrokenPackage([string] $Package, [int] $Sequence, [int] $Kind, [string] $Condition = '') {
    # Joined by a cmdlet, the path is an object of PowerShell around a text, which COM does not take for one.
    $broken = [string] (Join-Path $Work ('broken-' + [guid]::NewGuid().ToString('N') + '.msi'))
    Copy-Item $Package $broken
    # Downloaded files may be read-only.
    (Get-Item $broken).IsReadOnly = $false
    $property = if ($Kind -eq $ImmediateAction) { 'CustomActionData' } else { 'Break' }
    $installer = New-Object -ComObject WindowsInstaller.Installer
    $database = $null
    $summary = $null
    try {
        # msiOpenDatabaseModeTransact
        $database = Invoke-Member $installer 'OpenDatabase' @($broken, 1)
        $actions = @(
            @('SetBreak', $SetProperty, $property, 'broken on purpose', $BeforeTheTransaction),
            @('Break', $Kind, 'InstallerActions', 'SecureFolders', $Sequence)
        )
        foreach ($action in $actions) {
            $name, $type, $source, $target, $place = $action
            Add-Row $database ('INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) ' +
                "VALUES ('$name', $type, '$source', '$target')")
            Add-Row $database ('INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) ' +
                "VALUES ('$name', '$Condition', $place)")
        }
        # Another content is another package: PID_REVNUMBER of the summary is its code.
        $summary = Invoke-Member $database 'SummaryInformation' @(1) 'GetProperty'
        $code = [guid]::NewGuid().ToString('B').ToUpperInvariant()
        $null = Invoke-Member $summary 'Property' @(9, $code) 'SetProperty'
        $null = Invoke-Member $summary 'Persist'
        $null = Invoke-Member $database 'Commit'
    } finally {
        # Windows Installer cannot open the file as long as somebody else has it.
        foreach ($object in @($summary, $database, $installer)) {
            if ($null -ne $object) { $null = [System.Runtime.InteropServices.Marshal]::FinalReleaseComObject($object) }
        }
        [System.GC]::Collect()
        [System.GC]::WaitForPendingFinalizers()
    }
    return $broken
}
