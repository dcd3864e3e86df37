
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
            [CompletionResult]::new('service', 'service', [CompletionResultType]::ParameterValue, 'Register, remove, start or stop the service, for those who unpacked an archive')
            [CompletionResult]::new('health', 'health', [CompletionResultType]::ParameterValue, 'Ask the running service whether it is alive: exit code 0 if so, else 1 and why not. For containers')
            [CompletionResult]::new('support-bundle', 'support-bundle', [CompletionResultType]::ParameterValue, 'Write one zip file with all that support needs: diagnosis, configuration, logs, the state of the queue')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show how the service is: its server, what waits, what was delivered and refused, and what to do')
            [CompletionResult]::new('queue', 'queue', [CompletionResultType]::ParameterValue, 'Show the reports that wait, try them again, or give one up')
            [CompletionResult]::new('failed', 'failed', [CompletionResultType]::ParameterValue, 'Show what was refused, and why; take it back to be uploaded again')
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Send a report to the service, which queues it or says at once what is wrong with it')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pywats-client;run' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--service', '--service', [CompletionResultType]::ParameterName, 'Run under the service manager of Windows or under launchd of macOS, which start the service this way: the log goes to a file')
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
            [CompletionResult]::new('migrate', 'migrate', [CompletionResultType]::ParameterValue, 'Take over what the Python client was configured with, and say what was taken and what was not')
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
        'pywats-client;config;migrate' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('--merge', '--merge', [CompletionResultType]::ParameterName, 'Add to a configuration that exists; what is set in it stays')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only print what would be done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
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
            [CompletionResult]::new('migrate', 'migrate', [CompletionResultType]::ParameterValue, 'Take over what the Python client was configured with, and say what was taken and what was not')
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
        'pywats-client;config;help;migrate' {
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
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
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
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;service' {
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('install', 'install', [CompletionResultType]::ParameterValue, 'Register the service with the system, let it start with the machine, and start it')
            [CompletionResult]::new('uninstall', 'uninstall', [CompletionResultType]::ParameterValue, 'Stop the service and remove its registration, as install made it')
            [CompletionResult]::new('start', 'start', [CompletionResultType]::ParameterValue, 'Start the service, and wait until it runs')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'Stop the service, and wait until it has ended')
            [CompletionResult]::new('restart', 'restart', [CompletionResultType]::ParameterValue, 'Stop the service if it runs, and start it')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show whether the service is registered, by whom, and whether it runs')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pywats-client;service;install' {
            [CompletionResult]::new('--copy-to', '--copy-to', [CompletionResultType]::ParameterName, 'Copy the program into FOLDER first, and run it from there; as /usr/local/bin, which is made if it is missing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only print what would be done')
            [CompletionResult]::new('--no-start', '--no-start', [CompletionResultType]::ParameterName, 'Do not start the service now; it starts with the machine')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;service;uninstall' {
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only print what would be done')
            [CompletionResult]::new('--purge', '--purge', [CompletionResultType]::ParameterName, 'Delete the configuration and the data folder too, with the reports that have not been delivered')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;service;start' {
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;service;stop' {
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;service;restart' {
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;service;status' {
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;service;help' {
            [CompletionResult]::new('install', 'install', [CompletionResultType]::ParameterValue, 'Register the service with the system, let it start with the machine, and start it')
            [CompletionResult]::new('uninstall', 'uninstall', [CompletionResultType]::ParameterValue, 'Stop the service and remove its registration, as install made it')
            [CompletionResult]::new('start', 'start', [CompletionResultType]::ParameterValue, 'Start the service, and wait until it runs')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'Stop the service, and wait until it has ended')
            [CompletionResult]::new('restart', 'restart', [CompletionResultType]::ParameterValue, 'Stop the service if it runs, and start it')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show whether the service is registered, by whom, and whether it runs')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pywats-client;service;help;install' {
            break
        }
        'pywats-client;service;help;uninstall' {
            break
        }
        'pywats-client;service;help;start' {
            break
        }
        'pywats-client;service;help;stop' {
            break
        }
        'pywats-client;service;help;restart' {
            break
        }
        'pywats-client;service;help;status' {
            break
        }
        'pywats-client;service;help;help' {
            break
        }
        'pywats-client;health' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--ready', '--ready', [CompletionResultType]::ParameterName, 'Ask whether reports are taken and uploaded, not only whether the service is alive')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;support-bundle' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write FILE [default: pywats-support-HOST-TIME.zip in the current folder], or - for standard output. A file that exists is not overwritten')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write FILE [default: pywats-support-HOST-TIME.zip in the current folder], or - for standard output. A file that exists is not overwritten')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;status' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;queue' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show the reports that wait, oldest first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show one report that waits: how, since when, and what it met')
            [CompletionResult]::new('retry', 'retry', [CompletionResultType]::ParameterValue, 'Try a report at once, or with --all everything, parked reports too')
            [CompletionResult]::new('drop', 'drop', [CompletionResultType]::ParameterValue, 'Give a report up: its file is moved to the failed folder, with a reason that says so. Nothing is lost')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pywats-client;queue;list' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Show so many at most, up to 1000')
            [CompletionResult]::new('--after', '--after', [CompletionResultType]::ParameterName, 'Go on after the report in this row, as the last line of a list says')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;queue;show' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;queue;retry' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All reports')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;queue;drop' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;queue;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show the reports that wait, oldest first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show one report that waits: how, since when, and what it met')
            [CompletionResult]::new('retry', 'retry', [CompletionResultType]::ParameterValue, 'Try a report at once, or with --all everything, parked reports too')
            [CompletionResult]::new('drop', 'drop', [CompletionResultType]::ParameterValue, 'Give a report up: its file is moved to the failed folder, with a reason that says so. Nothing is lost')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pywats-client;queue;help;list' {
            break
        }
        'pywats-client;queue;help;show' {
            break
        }
        'pywats-client;queue;help;retry' {
            break
        }
        'pywats-client;queue;help;drop' {
            break
        }
        'pywats-client;queue;help;help' {
            break
        }
        'pywats-client;failed' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show the refused files, newest first, with the reasons and what to do')
            [CompletionResult]::new('retry', 'retry', [CompletionResultType]::ParameterValue, 'Take refused files back into the watch folder, to be uploaded again')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pywats-client;failed;list' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Show so many at most, up to 1000')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;failed;retry' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All files')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;failed;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show the refused files, newest first, with the reasons and what to do')
            [CompletionResult]::new('retry', 'retry', [CompletionResultType]::ParameterValue, 'Take refused files back into the watch folder, to be uploaded again')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pywats-client;failed;help;list' {
            break
        }
        'pywats-client;failed;help;retry' {
            break
        }
        'pywats-client;failed;help;help' {
            break
        }
        'pywats-client;send' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'What the file is called when it is delivered [default: its name, or report.json]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, for programs')
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
            [CompletionResult]::new('service', 'service', [CompletionResultType]::ParameterValue, 'Register, remove, start or stop the service, for those who unpacked an archive')
            [CompletionResult]::new('health', 'health', [CompletionResultType]::ParameterValue, 'Ask the running service whether it is alive: exit code 0 if so, else 1 and why not. For containers')
            [CompletionResult]::new('support-bundle', 'support-bundle', [CompletionResultType]::ParameterValue, 'Write one zip file with all that support needs: diagnosis, configuration, logs, the state of the queue')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show how the service is: its server, what waits, what was delivered and refused, and what to do')
            [CompletionResult]::new('queue', 'queue', [CompletionResultType]::ParameterValue, 'Show the reports that wait, try them again, or give one up')
            [CompletionResult]::new('failed', 'failed', [CompletionResultType]::ParameterValue, 'Show what was refused, and why; take it back to be uploaded again')
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Send a report to the service, which queues it or says at once what is wrong with it')
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
            [CompletionResult]::new('migrate', 'migrate', [CompletionResultType]::ParameterValue, 'Take over what the Python client was configured with, and say what was taken and what was not')
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
        'pywats-client;help;config;migrate' {
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
        'pywats-client;help;service' {
            [CompletionResult]::new('install', 'install', [CompletionResultType]::ParameterValue, 'Register the service with the system, let it start with the machine, and start it')
            [CompletionResult]::new('uninstall', 'uninstall', [CompletionResultType]::ParameterValue, 'Stop the service and remove its registration, as install made it')
            [CompletionResult]::new('start', 'start', [CompletionResultType]::ParameterValue, 'Start the service, and wait until it runs')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'Stop the service, and wait until it has ended')
            [CompletionResult]::new('restart', 'restart', [CompletionResultType]::ParameterValue, 'Stop the service if it runs, and start it')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show whether the service is registered, by whom, and whether it runs')
            break
        }
        'pywats-client;help;service;install' {
            break
        }
        'pywats-client;help;service;uninstall' {
            break
        }
        'pywats-client;help;service;start' {
            break
        }
        'pywats-client;help;service;stop' {
            break
        }
        'pywats-client;help;service;restart' {
            break
        }
        'pywats-client;help;service;status' {
            break
        }
        'pywats-client;help;health' {
            break
        }
        'pywats-client;help;support-bundle' {
            break
        }
        'pywats-client;help;status' {
            break
        }
        'pywats-client;help;queue' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show the reports that wait, oldest first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show one report that waits: how, since when, and what it met')
            [CompletionResult]::new('retry', 'retry', [CompletionResultType]::ParameterValue, 'Try a report at once, or with --all everything, parked reports too')
            [CompletionResult]::new('drop', 'drop', [CompletionResultType]::ParameterValue, 'Give a report up: its file is moved to the failed folder, with a reason that says so. Nothing is lost')
            break
        }
        'pywats-client;help;queue;list' {
            break
        }
        'pywats-client;help;queue;show' {
            break
        }
        'pywats-client;help;queue;retry' {
            break
        }
        'pywats-client;help;queue;drop' {
            break
        }
        'pywats-client;help;failed' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show the refused files, newest first, with the reasons and what to do')
            [CompletionResult]::new('retry', 'retry', [CompletionResultType]::ParameterValue, 'Take refused files back into the watch folder, to be uploaded again')
            break
        }
        'pywats-client;help;failed;list' {
            break
        }
        'pywats-client;help;failed;retry' {
            break
        }
        'pywats-client;help;send' {
            break
        }
        'pywats-client;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
