
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'pywats-client' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'pywats-client'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'pywats-client' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Run the service in the foreground until it is told to stop')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Show which configuration the service would use and what is wrong with it')
            [CompletionResult]::new('test-connection', 'test-connection', [CompletionResultType]::ParameterValue, 'Ask the server for its version, with the configured address, token and proxy')
            [CompletionResult]::new('diagnose', 'diagnose', [CompletionResultType]::ParameterValue, 'Print a report for support: versions, configuration, folders, service, server, and what to do')
            [CompletionResult]::new('reprocess', 'reprocess', [CompletionResultType]::ParameterValue, 'Take delivered or refused files back into the watch folder, to be uploaded again')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pywats-client;run' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--service', '--service', [CompletionResultType]::ParameterName, 'Run under the Windows service manager, which starts the service this way')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;check' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;test-connection' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;diagnose' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;reprocess' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Where the files are now')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Files that came there at this time or later: a day (in UTC), as 2026-11-28, or a time, as 2026-11-28T14:00:00Z')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Files that came there at this time or earlier')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All files')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'Only show which files are meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;help' {
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Run the service in the foreground until it is told to stop')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Show which configuration the service would use and what is wrong with it')
            [CompletionResult]::new('test-connection', 'test-connection', [CompletionResultType]::ParameterValue, 'Ask the server for its version, with the configured address, token and proxy')
            [CompletionResult]::new('diagnose', 'diagnose', [CompletionResultType]::ParameterValue, 'Print a report for support: versions, configuration, folders, service, server, and what to do')
            [CompletionResult]::new('reprocess', 'reprocess', [CompletionResultType]::ParameterValue, 'Take delivered or refused files back into the watch folder, to be uploaded again')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pywats-client;help;run' {
            break
        }
        'pywats-client;help;check' {
            break
        }
        'pywats-client;help;test-connection' {
            break
        }
        'pywats-client;help;diagnose' {
            break
        }
        'pywats-client;help;reprocess' {
            break
        }
        'pywats-client;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
