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
complete -c pywats-client -n "__fish_pywats_client_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand run" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand run" -l service -d 'Run under the Windows service manager, which starts the service this way'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand check" -l config -d 'Read the configuration from FILE [default: PYWATS_CONFIG, else the system\'s place; pywats-client help names it]' -r -F
complete -c pywats-client -n "__fish_pywats_client_using_subcommand check" -l json -d 'Print JSON, for programs'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and not __fish_seen_subcommand_from show get set init path check help" -s h -l help -d 'Print help'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and not __fish_seen_subcommand_from show get set init path check help" -f -a "show" -d 'Show every setting in force and where it comes from'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and not __fish_seen_subcommand_from show get set init path check help" -f -a "get" -d 'Show the value of one setting'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and not __fish_seen_subcommand_from show get set init path check help" -f -a "set" -d 'Change one setting in the file'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and not __fish_seen_subcommand_from show get set init path check help" -f -a "init" -d 'Make the file, where none exists'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and not __fish_seen_subcommand_from show get set init path check help" -f -a "path" -d 'Show which file is used'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and not __fish_seen_subcommand_from show get set init path check help" -f -a "check" -d 'Show which configuration the service would use and what is wrong with it; the same as check'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand config; and not __fish_seen_subcommand_from show get set init path check help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
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
complete -c pywats-client -n "__fish_pywats_client_using_subcommand reprocess" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess help" -f -a "run" -d 'Run the service in the foreground until it is told to stop'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess help" -f -a "check" -d 'Show which configuration the service would use and what is wrong with it, or whether reports would pass'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess help" -f -a "config" -d 'Show and change the configuration file'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess help" -f -a "folders" -d 'Show and change the folders that are watched beside the first one'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess help" -f -a "test-connection" -d 'Ask the server for its version, with the configured address, token and proxy'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess help" -f -a "diagnose" -d 'Print a report for support: versions, configuration, folders, service, server, and what to do'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess help" -f -a "reprocess" -d 'Take delivered or refused files back into the watch folder, to be uploaded again'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and not __fish_seen_subcommand_from run check config folders test-connection diagnose reprocess help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Show every setting in force and where it comes from'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "get" -d 'Show the value of one setting'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "set" -d 'Change one setting in the file'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "init" -d 'Make the file, where none exists'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "path" -d 'Show which file is used'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Show which configuration the service would use and what is wrong with it; the same as check'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from folders" -f -a "list" -d 'Show the folders that are watched'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from folders" -f -a "add" -d 'Watch another folder, and let the service use it'
complete -c pywats-client -n "__fish_pywats_client_using_subcommand help; and __fish_seen_subcommand_from folders" -f -a "remove" -d 'Watch a folder no longer, and take back what add has allowed. Its files stay'
