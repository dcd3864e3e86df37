
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
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show how the service is: its server, what waits, what was delivered and refused, and what to do')
            [CompletionResult]::new('queue', 'queue', [CompletionResultType]::ParameterValue, 'Show the reports that wait, try them again, or give one up')
            [CompletionResult]::new('failed', 'failed', [CompletionResultType]::ParameterValue, 'Show what was refused, and why; take it back to be uploaded again')
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Send a report to the service, which queues it or says at once what is wrong with it')
            [CompletionResult]::new('service', 'service', [CompletionResultType]::ParameterValue, 'Register, remove, start or stop the service, for those who unpacked an archive')
            [CompletionResult]::new('health', 'health', [CompletionResultType]::ParameterValue, 'Ask the running service whether it is alive: exit code 0 if so, else 1 and why not. For containers')
            [CompletionResult]::new('support-bundle', 'support-bundle', [CompletionResultType]::ParameterValue, 'Write one zip file with all that support needs: diagnosis, configuration, logs, the state of the queue')
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
        'pywats-client;service' {
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
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;service;uninstall' {
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only print what would be done')
            [CompletionResult]::new('--purge', '--purge', [CompletionResultType]::ParameterName, 'Delete the configuration and the data folder too, with the reports that have not been delivered')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;service;start' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;service;stop' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pywats-client;service;restart' {
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
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pywats-client;support-bundle' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system''s place; pywats-client help names it]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write FILE [default: pywats-support-HOST-TIME.zip in the current folder]. One that exists is not overwritten')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write FILE [default: pywats-support-HOST-TIME.zip in the current folder]. One that exists is not overwritten')
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
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show how the service is: its server, what waits, what was delivered and refused, and what to do')
            [CompletionResult]::new('queue', 'queue', [CompletionResultType]::ParameterValue, 'Show the reports that wait, try them again, or give one up')
            [CompletionResult]::new('failed', 'failed', [CompletionResultType]::ParameterValue, 'Show what was refused, and why; take it back to be uploaded again')
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Send a report to the service, which queues it or says at once what is wrong with it')
            [CompletionResult]::new('service', 'service', [CompletionResultType]::ParameterValue, 'Register, remove, start or stop the service, for those who unpacked an archive')
            [CompletionResult]::new('health', 'health', [CompletionResultType]::ParameterValue, 'Ask the running service whether it is alive: exit code 0 if so, else 1 and why not. For containers')
            [CompletionResult]::new('support-bundle', 'support-bundle', [CompletionResultType]::ParameterValue, 'Write one zip file with all that support needs: diagnosis, configuration, logs, the state of the queue')
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
        'pywats-client;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
