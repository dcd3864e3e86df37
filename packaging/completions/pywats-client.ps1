
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
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Show which configuration the service would use and what is wrong with it, or whether reports would pass')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show and change the configuration file')
            [CompletionResult]::new('folders', 'folders', [CompletionResultType]::ParameterValue, 'Show and change the folders that are watched beside the first one')
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
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;config' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show every setting in force and where it comes from')
            [CompletionResult]::new('get', 'get', [CompletionResultType]::ParameterValue, 'Show the value of one setting')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Change one setting in the file')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Make the file, where none exists')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Show which file is used')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Show which configuration the service would use and what is wrong with it; the same as check')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pywats-client;config;show' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;config;get' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;config;set' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('--unset', '--unset', [CompletionResultType]::ParameterName, 'Remove the setting from the file')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;config;init' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--server-url', '--server-url', [CompletionResultType]::ParameterName, 'The address of the WATS server')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'The file that holds the token, which the service must be able to read; - reads the token from standard input into the configuration')
            [CompletionResult]::new('--station-name', '--station-name', [CompletionResultType]::ParameterName, 'The name of the station')
            [CompletionResult]::new('--location', '--location', [CompletionResultType]::ParameterName, 'Where the station is')
            [CompletionResult]::new('--purpose', '--purpose', [CompletionResultType]::ParameterName, 'What the station is used for')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;config;path' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;config;check' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;config;help' {
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show every setting in force and where it comes from')
            [CompletionResult]::new('get', 'get', [CompletionResultType]::ParameterValue, 'Show the value of one setting')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Change one setting in the file')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Make the file, where none exists')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Show which file is used')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Show which configuration the service would use and what is wrong with it; the same as check')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pywats-client;config;help;show' {
            break
        }
        'pywats-client;config;help;get' {
            break
        }
        'pywats-client;config;help;set' {
            break
        }
        'pywats-client;config;help;init' {
            break
        }
        'pywats-client;config;help;path' {
            break
        }
        'pywats-client;config;help;check' {
            break
        }
        'pywats-client;config;help;help' {
            break
        }
        'pywats-client;folders' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show the folders that are watched')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Watch another folder, and let the service use it')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Watch a folder no longer, and take back what add has allowed. Its files stay')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pywats-client;folders;list' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;folders;add' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'What the folder is called: 1 to 32 of a-z, 0-9, - and _')
            [CompletionResult]::new('--pattern', '--pattern', [CompletionResultType]::ParameterName, 'Which names are taken; can be given several times [default: *.json and *.wsjf]')
            [CompletionResult]::new('--done', '--done', [CompletionResultType]::ParameterName, 'Where delivered files go [default: client.done_folder]')
            [CompletionResult]::new('--failed', '--failed', [CompletionResultType]::ParameterName, 'Where refused files go [default: client.failed_folder]')
            [CompletionResult]::new('--after-delivery', '--after-delivery', [CompletionResultType]::ParameterName, 'What becomes of delivered files: done, archive or delete [default: client.after_delivery]')
            [CompletionResult]::new('--priority', '--priority', [CompletionResultType]::ParameterName, 'Whose reports are sent first: 1 before 10')
            [CompletionResult]::new('--look', '--look', [CompletionResultType]::ParameterName, 'How the folder is looked at: auto, events or polling')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('--subfolders', '--subfolders', [CompletionResultType]::ParameterName, 'Take files of folders in it, too')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only print what would be done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;folders;remove' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only print what would be done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;folders;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show the folders that are watched')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Watch another folder, and let the service use it')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Watch a folder no longer, and take back what add has allowed. Its files stay')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pywats-client;folders;help;list' {
            break
        }
        'pywats-client;folders;help;add' {
            break
        }
        'pywats-client;folders;help;remove' {
            break
        }
        'pywats-client;folders;help;help' {
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
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Show which configuration the service would use and what is wrong with it, or whether reports would pass')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show and change the configuration file')
            [CompletionResult]::new('folders', 'folders', [CompletionResultType]::ParameterValue, 'Show and change the folders that are watched beside the first one')
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
        'pywats-client;help;config' {
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show every setting in force and where it comes from')
            [CompletionResult]::new('get', 'get', [CompletionResultType]::ParameterValue, 'Show the value of one setting')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Change one setting in the file')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Make the file, where none exists')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Show which file is used')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Show which configuration the service would use and what is wrong with it; the same as check')
            break
        }
        'pywats-client;help;config;show' {
            break
        }
        'pywats-client;help;config;get' {
            break
        }
        'pywats-client;help;config;set' {
            break
        }
        'pywats-client;help;config;init' {
            break
        }
        'pywats-client;help;config;path' {
            break
        }
        'pywats-client;help;config;check' {
            break
        }
        'pywats-client;help;folders' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show the folders that are watched')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Watch another folder, and let the service use it')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Watch a folder no longer, and take back what add has allowed. Its files stay')
            break
        }
        'pywats-client;help;folders;list' {
            break
        }
        'pywats-client;help;folders;add' {
            break
        }
        'pywats-client;help;folders;remove' {
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
