# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_pywats_client_global_optspecs
    string join \n h/help V/version
end

function __fish_pywats_client_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_pywats_client_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_pywats_client_using_subcommand
    set -l cmd (__fish_pywats_client_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c pywats-client -n "__fish_pywats_client_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_needs_command" -s V -l version -d 'Print version'
complete -c pywats-client -n "__fish_pywats_client_needs_command" -f -a "run" -d 'Run the service in the foreground until it is told to stop'
complete -c pywats-client -n "__fish_pywats_client_needs_command" -f -a "check" -d 'Show which configuration the service would use and what is wrong with it, or whether reports would pass'
complete -c pywats-client -n "__fish_pywats_client_needs_command" -f -a "config" -d 'Show and change the configuration file'
complete -c pywats-client -n "__fish_pywats_client_needs_command" -f -a "folders" -d 'Show and change the folders that are watched beside the first one'
complete -c pywats-client -n "__fish_pywats_client_needs_command" -f -a "test-connection" -d 'Ask the server for its version, with the configured address, token and proxy'
complete -c pywats-client -n "__fish_pywats_client_needs_command" -f -a "diagnose" -d 'Print a report for support: versions, configuration, folders, service, server, and what to do'
complete -c pywats-client -n "__fish_pywats_client_needs_command" -f -a "reprocess" -d 'Take delivered or refused files back into the watch folder, to be uploaded again'
complete -c pywats-client -n "__fish_pywats_client_needs_command" -f -a "service" -d 'Register, remove, start or stop the service, for those who unpacked an archive'
complete -c pywats-client -n "__fish_pywats_client_needs_command" -f -a "health" -d 'Ask the running service whether it is alive: exit code 0 if so, else 1 and why not. For containers'
complete -c pywats-client -n "__fish_pywats_client_needs_command" -f -a "support-bundle" -d 'Write one zip file with all that support needs: diagnosis, configuration, logs, the state of the queue'
complete -c pywats-client -n "__fish_pywats_client_needs_command" -f -a "status" -d 'Show how the service is: its server, what waits, what was delivered and refused, and what to do'
complete -c pywats-client -n "__fish_pywats_client_needs_command" -f -a "queue" -d 'Show the reports that wait, try them again, or give one up'
complete -c pywats-client -n "__fish_pywats_client_needs_command" -f -a "failed" -d 'Show what was refused, and why; take it back to be uploaded again'
complete -c pywats-client -n "__fish_pywats_client_needs_command" -f -a "send" -d 'Send a report to the service, which queues it or says at once what is wrong with it'
complete -c pywats-client -n "__fish_pywats_client_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand run" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand run" -l service -d 'Run under the service manager of Windows or under launchd of macOS, which start the service this way: the log goes to a file'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand check" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand check" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and not __fish_seen_subcommand_from show get set init migrate path check help" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and not __fish_seen_subcommand_from show get set init migrate path check help" -f -a "show" -d 'Show every setting in force and where it comes from'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and not __fish_seen_subcommand_from show get set init migrate path check help" -f -a "get" -d 'Show the value of one setting'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and not __fish_seen_subcommand_from show get set init migrate path check help" -f -a "set" -d 'Change one setting in the file'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and not __fish_seen_subcommand_from show get set init migrate path check help" -f -a "init" -d 'Make the file, where none exists'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and not __fish_seen_subcommand_from show get set init migrate path check help" -f -a "migrate" -d 'Take over what the Python client was configured with, and say what was taken and what was not'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and not __fish_seen_subcommand_from show get set init migrate path check help" -f -a "path" -d 'Show which file is used'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and not __fish_seen_subcommand_from show get set init migrate path check help" -f -a "check" -d 'Show which configuration the service would use and what is wrong with it; the same as check'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and not __fish_seen_subcommand_from show get set init migrate path check help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from get" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from get" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from set" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from set" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from set" -l unset -d 'Remove the setting from the file'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from init" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from init" -l server-url -d 'The address of the WATS server' -r
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from init" -l token-file -d 'The file that holds the token, which the service must be able to read; - reads the token from standard input into the configuration' -r
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from init" -l station-name -d 'The name of the station' -r
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from init" -l location -d 'Where the station is' -r
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from init" -l purpose -d 'What the station is used for' -r
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from init" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from migrate" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from migrate" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from migrate" -l merge -d 'Add to a configuration that exists; what is set in it stays'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from migrate" -l dry-run -d 'Only print what would be done'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from migrate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from path" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from path" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from path" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from check" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from check" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show every setting in force and where it comes from'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "get" -d 'Show the value of one setting'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "set" -d 'Change one setting in the file'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "init" -d 'Make the file, where none exists'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "migrate" -d 'Take over what the Python client was configured with, and say what was taken and what was not'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "path" -d 'Show which file is used'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Show which configuration the service would use and what is wrong with it; the same as check'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and not __fish_seen_subcommand_from list add remove help" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and not __fish_seen_subcommand_from list add remove help" -f -a "list" -d 'Show the folders that are watched'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and not __fish_seen_subcommand_from list add remove help" -f -a "add" -d 'Watch another folder, and let the service use it'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and not __fish_seen_subcommand_from list add remove help" -f -a "remove" -d 'Watch a folder no longer, and take back what add has allowed. Its files stay'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and not __fish_seen_subcommand_from list add remove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from list" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from add" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from add" -l name -d 'What the folder is called: 1 to 32 of a-z, 0-9, - and _' -r
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from add" -l pattern -d 'Which names are taken; can be given several times [default: *.json and *.wsjf]' -r
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from add" -l done -d 'Where delivered files go [default: client.done_folder]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from add" -l failed -d 'Where refused files go [default: client.failed_folder]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from add" -l after-delivery -d 'What becomes of delivered files: done, archive or delete [default: client.after_delivery]' -r
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from add" -l priority -d 'Whose reports are sent first: 1 before 10' -r
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from add" -l look -d 'How the folder is looked at: auto, events or polling' -r
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from add" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from add" -l subfolders -d 'Take files of folders in it, too'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from add" -l dry-run -d 'Only print what would be done'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from remove" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from remove" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from remove" -l dry-run -d 'Only print what would be done'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show the folders that are watched'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from help" -f -a "add" -d 'Watch another folder, and let the service use it'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Watch a folder no longer, and take back what add has allowed. Its files stay'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand folders; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand test-connection" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand test-connection" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand test-connection" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand diagnose" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand diagnose" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand diagnose" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand reprocess" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand reprocess" -l from -d 'Where the files are now' -r -f -a "done\t'The done folder'
archive\t'The archive'
failed\t'The failed folder'"
complete -c pywats-client -n "__fish_pywats_client_using_subcommand reprocess" -l since -d 'Files that came there at this time or later: a day (in UTC), as 2026-11-28, or a time, as 2026-11-28T14:00:00Z' -r
complete -c pywats-client -n "__fish_pywats_client_using_subcommand reprocess" -l until -d 'Files that came there at this time or earlier' -r
complete -c pywats-client -n "__fish_pywats_client_using_subcommand reprocess" -l all -d 'All files'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand reprocess" -l list -d 'Only show which files are meant'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand reprocess" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand reprocess" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop restart status help" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop restart status help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop restart status help" -f -a "install" -d 'Register the service with the system, let it start with the machine, and start it'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop restart status help" -f -a "uninstall" -d 'Stop the service and remove its registration, as install made it'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop restart status help" -f -a "start" -d 'Start the service, and wait until it runs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop restart status help" -f -a "stop" -d 'Stop the service, and wait until it has ended'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop restart status help" -f -a "restart" -d 'Stop the service if it runs, and start it'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop restart status help" -f -a "status" -d 'Show whether the service is registered, by whom, and whether it runs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and not __fish_seen_subcommand_from install uninstall start stop restart status help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from install" -l copy-to -d 'Copy the program into FOLDER first, and run it from there; as /usr/local/bin, which is made if it is missing' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from install" -l dry-run -d 'Only print what would be done'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from install" -l no-start -d 'Do not start the service now; it starts with the machine'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from install" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from install" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from uninstall" -l dry-run -d 'Only print what would be done'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from uninstall" -l purge -d 'Delete the configuration and the data folder too, with the reports that have not been delivered'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from uninstall" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from uninstall" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from start" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from start" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from stop" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from stop" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from restart" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from restart" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from status" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from help" -f -a "install" -d 'Register the service with the system, let it start with the machine, and start it'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from help" -f -a "uninstall" -d 'Stop the service and remove its registration, as install made it'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from help" -f -a "start" -d 'Start the service, and wait until it runs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from help" -f -a "stop" -d 'Stop the service, and wait until it has ended'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from help" -f -a "restart" -d 'Stop the service if it runs, and start it'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show whether the service is registered, by whom, and whether it runs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand service; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand health" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand health" -l ready -d 'Ask whether reports are taken and uploaded, not only whether the service is alive'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand health" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand health" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand support-bundle" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand support-bundle" -s o -l output -d 'Write FILE [default: pywats-support-HOST-TIME.zip in the current folder], or - for standard output. A file that exists is not overwritten' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand support-bundle" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand support-bundle" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand status" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand status" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and not __fish_seen_subcommand_from list show retry drop help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and not __fish_seen_subcommand_from list show retry drop help" -f -a "list" -d 'Show the reports that wait, oldest first'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and not __fish_seen_subcommand_from list show retry drop help" -f -a "show" -d 'Show one report that waits: how, since when, and what it met'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and not __fish_seen_subcommand_from list show retry drop help" -f -a "retry" -d 'Try a report at once, or with --all everything, parked reports too'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and not __fish_seen_subcommand_from list show retry drop help" -f -a "drop" -d 'Give a report up: its file is moved to the failed folder, with a reason that says so. Nothing is lost'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and not __fish_seen_subcommand_from list show retry drop help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from list" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from list" -l limit -d 'Show so many at most, up to 1000' -r
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from list" -l after -d 'Go on after the report in this row, as the last line of a list says' -r
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from show" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from show" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from retry" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from retry" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from retry" -l all -d 'All reports'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from retry" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from drop" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from drop" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from drop" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show the reports that wait, oldest first'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one report that waits: how, since when, and what it met'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from help" -f -a "retry" -d 'Try a report at once, or with --all everything, parked reports too'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from help" -f -a "drop" -d 'Give a report up: its file is moved to the failed folder, with a reason that says so. Nothing is lost'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand queue; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand failed; and not __fish_seen_subcommand_from list retry help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand failed; and not __fish_seen_subcommand_from list retry help" -f -a "list" -d 'Show the refused files, newest first, with the reasons and what to do'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand failed; and not __fish_seen_subcommand_from list retry help" -f -a "retry" -d 'Take refused files back into the watch folder, to be uploaded again'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand failed; and not __fish_seen_subcommand_from list retry help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand failed; and __fish_seen_subcommand_from list" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand failed; and __fish_seen_subcommand_from list" -l limit -d 'Show so many at most, up to 1000' -r
complete -c pywats-client -n "__fish_pywats_client_using_subcommand failed; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand failed; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand failed; and __fish_seen_subcommand_from retry" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand failed; and __fish_seen_subcommand_from retry" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand failed; and __fish_seen_subcommand_from retry" -l all -d 'All files'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand failed; and __fish_seen_subcommand_from retry" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand failed; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show the refused files, newest first, with the reasons and what to do'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand failed; and __fish_seen_subcommand_from help" -f -a "retry" -d 'Take refused files back into the watch folder, to be uploaded again'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand failed; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand send" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand send" -l name -d 'What the file is called when it is delivered [default: its name, or report.json]' -r
complete -c pywats-client -n "__fish_pywats_client_using_subcommand send" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand send" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess service health support-bundle status queue failed send help" -f -a "run" -d 'Run the service in the foreground until it is told to stop'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess service health support-bundle status queue failed send help" -f -a "check" -d 'Show which configuration the service would use and what is wrong with it, or whether reports would pass'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess service health support-bundle status queue failed send help" -f -a "config" -d 'Show and change the configuration file'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess service health support-bundle status queue failed send help" -f -a "folders" -d 'Show and change the folders that are watched beside the first one'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess service health support-bundle status queue failed send help" -f -a "test-connection" -d 'Ask the server for its version, with the configured address, token and proxy'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess service health support-bundle status queue failed send help" -f -a "diagnose" -d 'Print a report for support: versions, configuration, folders, service, server, and what to do'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess service health support-bundle status queue failed send help" -f -a "reprocess" -d 'Take delivered or refused files back into the watch folder, to be uploaded again'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess service health support-bundle status queue failed send help" -f -a "service" -d 'Register, remove, start or stop the service, for those who unpacked an archive'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess service health support-bundle status queue failed send help" -f -a "health" -d 'Ask the running service whether it is alive: exit code 0 if so, else 1 and why not. For containers'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess service health support-bundle status queue failed send help" -f -a "support-bundle" -d 'Write one zip file with all that support needs: diagnosis, configuration, logs, the state of the queue'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess service health support-bundle status queue failed send help" -f -a "status" -d 'Show how the service is: its server, what waits, what was delivered and refused, and what to do'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess service health support-bundle status queue failed send help" -f -a "queue" -d 'Show the reports that wait, try them again, or give one up'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess service health support-bundle status queue failed send help" -f -a "failed" -d 'Show what was refused, and why; take it back to be uploaded again'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess service health support-bundle status queue failed send help" -f -a "send" -d 'Send a report to the service, which queues it or says at once what is wrong with it'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess service health support-bundle status queue failed send help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Show every setting in force and where it comes from'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "get" -d 'Show the value of one setting'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "set" -d 'Change one setting in the file'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "init" -d 'Make the file, where none exists'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "migrate" -d 'Take over what the Python client was configured with, and say what was taken and what was not'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "path" -d 'Show which file is used'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Show which configuration the service would use and what is wrong with it; the same as check'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from folders" -f -a "list" -d 'Show the folders that are watched'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from folders" -f -a "add" -d 'Watch another folder, and let the service use it'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from folders" -f -a "remove" -d 'Watch a folder no longer, and take back what add has allowed. Its files stay'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from service" -f -a "install" -d 'Register the service with the system, let it start with the machine, and start it'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from service" -f -a "uninstall" -d 'Stop the service and remove its registration, as install made it'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from service" -f -a "start" -d 'Start the service, and wait until it runs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from service" -f -a "stop" -d 'Stop the service, and wait until it has ended'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from service" -f -a "restart" -d 'Stop the service if it runs, and start it'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from service" -f -a "status" -d 'Show whether the service is registered, by whom, and whether it runs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from queue" -f -a "list" -d 'Show the reports that wait, oldest first'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from queue" -f -a "show" -d 'Show one report that waits: how, since when, and what it met'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from queue" -f -a "retry" -d 'Try a report at once, or with --all everything, parked reports too'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from queue" -f -a "drop" -d 'Give a report up: its file is moved to the failed folder, with a reason that says so. Nothing is lost'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from failed" -f -a "list" -d 'Show the refused files, newest first, with the reasons and what to do'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from failed" -f -a "retry" -d 'Take refused files back into the watch folder, to be uploaded again'
