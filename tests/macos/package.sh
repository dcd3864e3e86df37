#!/bin/bash
# Installs the package on this Mac, lets the service work, upgrades it and removes it:
#
#     tests/macos/package.sh PACKAGE.pkg HIGHER.pkg WATS-TEST-SERVER [IMAGE.dmg]
#
# For a Mac that can be thrown away, and a user who may use sudo without a password. HIGHER.pkg is the same at a higher
# version. Nothing but the system's own tools is needed (bash 3.2). The script refuses to start where anything of the
# client is left, and removes everything at its end, also after a failure.
# Prints a line for each check and, at the end, how many passed; the exit code is 1 if one failed.
set -euo pipefail

package=$1
higher=$2
server=$3
image=${4-}

label=com.virinco.pywats-client
account=_pywats
app="/Applications/pyWATS Client.app"
program=$app/Contents/MacOS/pywats-client
uninstaller=$app/Contents/Resources/uninstall.sh
plist=/Library/LaunchDaemons/$label.plist
link=/usr/local/bin/pywats-client
data="/Library/Application Support/pyWATS"
preferences="/Library/Managed Preferences/$label.plist"
fixture=$(dirname "$0")/../fixtures/uut-wsjf-export.json
token=dXNlcjpwYXNzd29yZA==
port=18765
work=$(mktemp -d)

passed=0
failed=0

# check CLAIM COMMAND...: the claim holds if the command succeeds. What fails in a function ends it: that is so in a
# shell of its own only, whose end is not asked for by an `if`.
check() {
    local claim=$1 code
    shift
    set +e
    (
        set -e
        "$@"
    ) >"$work/said" 2>&1
    code=$?
    set -e
    if [ "$code" -eq 0 ]; then
        passed=$((passed + 1))
        echo "passed: $claim"
    else
        failed=$((failed + 1))
        echo "FAILED: $claim"
        tail -n 30 "$work/said"
        sudo tail -n 20 "$data/logs/pywats-client.log" /Library/Logs/pywats-client.log 2>/dev/null || true
    fi
}

not_run() {
    echo "not run: $1 ($2)"
}

# Tries a command for a minute.
within_a_minute() {
    local tries
    for ((tries = 0; tries < 120; tries++)); do
        if "$@"; then return 0; fi
        sleep 0.5
    done
    echo "not so after a minute: $*"
    return 1
}

# refuses CODE TEXT COMMAND...: it ends with this code, and says this.
refuses() {
    local code=$1 text=$2 found=0
    shift 2
    "$@" >"$work/refused" 2>&1 || found=$?
    cat "$work/refused"
    [ "$found" -eq "$code" ] && grep -qF "$text" "$work/refused"
}

is_gone() {
    local path
    for path in "$@"; do
        if sudo test -e "$path" || sudo test -L "$path"; then
            echo "is still there: $path"
            return 1
        fi
    done
}

process() {
    sudo launchctl print "system/$label" | sed -n 's/^[[:space:]]*pid = //p'
}

runs() {
    [ -n "$(process)" ]
}

is_not_loaded() {
    ! sudo launchctl print "system/$label" >/dev/null 2>&1
}

answers() {
    curl --silent --fail --max-time 5 "http://127.0.0.1:8080/health/$1" >/dev/null
}

cleanup() {
    stop_server 2>/dev/null || true
    sudo rm -f "$preferences"
    sudo launchctl enable "system/$label" 2>/dev/null || true
    if [ -x "$uninstaller" ]; then
        sudo "$uninstaller" --purge >/dev/null 2>&1 || true
    fi
    rm -rf "$work"
}

start_server() {
    "$server" --ignore-stdin --listen "127.0.0.1:$port" --token "$token" --record "$work/records" \
        >"$work/server.log" 2>&1 &
    echo $! >"$work/server.pid"
    within_a_minute grep -q '^listening on ' "$work/server.log"
}

stop_server() {
    local process
    process=$(cat "$work/server.pid")
    kill "$process"
    has_ended() { ! kill -0 "$process" 2>/dev/null; }
    within_a_minute has_ended
}

# --- What the files are

is_flat_package() {
    pkgutil --expand-full "$package" "$work/expanded"
    local expanded
    expanded=$(find "$work/expanded" -type d -name "pyWATS Client.app")
    codesign --verify --deep --strict -vvv "$expanded"
    lsbom "$(find "$work/expanded" -name Bom)" | grep -q "pyWATS Client.app/Contents/MacOS/pywats-client"
    installer -pkginfo -pkg "$package"
}

is_signed() {
    pkgutil --check-signature "$1" >"$work/signature"
}

is_accepted() {
    spctl -a -vv -t install "$1"
    xcrun stapler validate "$1"
}

judge_signature() {
    if is_signed "$package"; then
        check "the signature of the package is valid" cat "$work/signature"
        check "Gatekeeper accepts the package, and its ticket is stapled" is_accepted "$package"
    else
        not_run "the signature of the package is valid" "it is not signed"
        not_run "Gatekeeper accepts the package, and its ticket is stapled" "it is not signed"
    fi
}

image_has_the_package() {
    hdiutil verify "$image"
    hdiutil attach -readonly -nobrowse -mountpoint "$work/image" "$image"
    local found=0
    cmp "$package" "$work/image"/*.pkg || found=1
    hdiutil detach "$work/image"
    return "$found"
}

judge_image() {
    if [ -z "$image" ]; then
        not_run "the disk image mounts, and has the package" "no disk image was given"
        return
    fi
    check "the disk image mounts, and has the package" image_has_the_package
    if codesign --display "$image" 2>/dev/null; then
        check "the signature of the disk image is valid" codesign --verify -vvv "$image"
    else
        not_run "the signature of the disk image is valid" "it is not signed"
    fi
}

# --- Installation

installs() {
    sudo installer -verbose -pkg "$1" -target /
}

is_in_place() {
    pkgutil --pkg-info "$label"
    pkgutil --files "$label" | grep -q "pywats-client$"
    [ "$(stat -f '%Su:%Sg %Lp' "$plist")" = "root:wheel 644" ]
    plutil -lint "$plist"
    [ "$(lipo -archs "$program" | tr ' ' '\n' | sort | tr '\n' ' ')" = "arm64 x86_64 " ]
    [ "$("$link" --version)" = "$("$program" --version)" ]
    codesign --verify --deep --strict -vvv "$app"
}

account_is_for_services() {
    local id
    id=$(dscl . -read "/Users/$account" UniqueID | awk '{ print $2 }')
    [ "$id" -ge 200 ] && [ "$id" -lt 400 ]
    dscl . -read "/Users/$account" IsHidden | grep -q 1
    [ "$(dscl . -read "/Users/$account" UserShell | awk '{ print $2 }')" = /usr/bin/false ]
}

folders_have_their_rights() {
    [ "$(stat -f %Su "$data")" = "$account" ]
    local folder
    for folder in watch done failed logs; do
        within_a_minute sudo test -d "$data/$folder"
        [ "$(sudo stat -f %Su "$data/$folder")" = "$account" ]
    done
}

runs_as_its_account() {
    within_a_minute runs
    [ "$(ps -o user= -p "$(process)" | tr -d ' ')" = "$account" ]
    within_a_minute answers live
    "$link" service status --json | grep -q '"installed_by": "package"'
}

knows_the_package() {
    refuses 10 "a package has installed the service" sudo "$link" service install
    refuses 13 "$uninstaller" sudo "$link" service uninstall
}

takes_its_configuration_up() {
    cat >"$work/config.json" <<CONFIG
{ "server": { "url": "http://127.0.0.1:$port", "token": "$token", "proxy": "none" } }
CONFIG
    sudo install -o root -g "$account" -m 640 "$work/config.json" "$data/config.json"
    start_server
    within_a_minute answers ready
}

log_is_a_file() {
    sudo grep -q "pywats-client" "$data/logs/pywats-client.log"
    [ "$(sudo stat -f %z /Library/Logs/pywats-client.log)" -lt 1048576 ]
}

# Drops the report as careful programs do, by renaming, as the user that runs this. Each has its own identifier.
drop_report() {
    sed "s/\"id\": *\"[0-9a-fA-F-]*\"/\"id\": \"00000000-0000-4000-8000-00000000000$1\"/" "$fixture" \
        >"$data/watch/.report-$1.json"
    mv "$data/watch/.report-$1.json" "$data/watch/report-$1.json"
}

is_delivered() {
    within_a_minute sudo test -f "$data/done/report-$1.json"
    grep -rq "00000000-0000-4000-8000-00000000000$1" "$work/records"
}

delivers() {
    drop_report "$1"
    is_delivered "$1"
}

comes_back() {
    local before
    before=$(process)
    sudo kill -KILL "$before"
    is_another() { [ -n "$(process)" ] && [ "$(process)" != "$before" ]; }
    within_a_minute is_another
}

follows_preferences() {
    sudo mkdir -p "/Library/Managed Preferences"
    sudo plutil -create binary1 "$preferences"
    sudo plutil -insert LogLevel -string debug "$preferences"
    "$link" check | grep -q '^logging.level .*policy .*debug'
    within_a_minute sudo grep -q "set by policy: logging.level" "$data/logs/pywats-client.log"
    echo damaged | sudo tee "$preferences" >/dev/null
    refuses 22 "$preferences" "$link" check
    sudo rm "$preferences"
}

verbs_wait() {
    sudo "$link" service stop
    is_not_loaded
    sudo "$link" service start
    runs
    sudo "$link" service restart
    runs
}

# --- Upgrade

queues() {
    stop_server
    drop_report "$1"
    waits() { sudo "$link" queue list --json | grep -q "report-$1.json"; }
    within_a_minute waits "$1"
}

keeps_all() {
    local before version
    before=$(sudo shasum "$data/config.json")
    version=$("$link" --version)
    # The program of the higher version may be the same; what the system knows of the package is not.
    installs "$higher"
    echo "$version, now $("$link" --version)"
    [ "$(sudo shasum "$data/config.json")" = "$before" ]
    pkgutil --pkg-info "$label" | grep -q '^version: 255'
    within_a_minute runs
    start_server
    is_delivered "$1"
}

stays_disabled() {
    sudo launchctl disable "system/$label"
    sudo "$link" service stop
    installs "$higher"
    is_not_loaded
    refuses 30 "launchctl enable system/$label" sudo "$link" service start
    "$link" service status | grep -q '^starts with machine *no'
    sudo launchctl enable "system/$label"
    sudo "$link" service start
    runs
}

# --- Removal

goes_without_data() {
    sudo "$uninstaller"
    is_not_loaded
    is_gone "$app" "$plist" "$link"
    if pkgutil --pkg-info "$label"; then return 1; fi
    sudo test -f "$data/config.json" && sudo test -f "$data/done/report-1.json"
}

returns_with_data() {
    installs "$package"
    within_a_minute answers ready
    delivers 4
}

goes_with_data() {
    sudo "$uninstaller" --purge
    is_not_loaded
    is_gone "$app" "$plist" "$link" "$data" /Library/Logs/pywats-client.log
}

if ! is_gone "$app" "$plist" "$link" "$data" "$preferences" >&2; then
    echo "an installation is there, or something of one: this is for a Mac without it" >&2
    exit 1
fi
trap cleanup EXIT

check "the package is one that the system's tools read" is_flat_package
judge_signature
judge_image
check "a silent installation ends with 0" installs "$package"
check "program, link, daemon and receipt are there" is_in_place
check "the account is hidden, without a shell, and among those of services" account_is_for_services
check "the service runs as its account, without a configuration too" runs_as_its_account
check "the folders belong to the account" folders_have_their_rights
check "the verbs know that a package has installed the service" knows_the_package
check "the running service takes a configuration up and says that it is ready" takes_its_configuration_up
check "the log is a file of the service" log_is_a_file
check "a report in the watch folder reaches the server and lies in done" delivers 1
check "the service is started again when it is killed" comes_back
check "managed preferences stand above the file, and damaged ones are reported" follows_preferences
check "stop, start and restart wait until it is done" verbs_wait
check "a report waits while the server is away" queues 2
check "an upgrade keeps the configuration, and delivers what was queued" keeps_all 2
check "a service that an administrator has disabled stays so through an upgrade" stays_disabled
check "after that it delivers again" delivers 3
check "removal takes program and service, and leaves configuration and data" goes_without_data
check "a new installation goes on with them" returns_with_data
check "a removal takes configuration and data along when it is told to" goes_with_data

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
