#!/bin/bash
# Unpacks an archive of the client and delivers a report with the program in it:
#
#     tests/macos/archive.sh ARCHIVE.tar.gz WATS-TEST-SERVER
#
# Beside the archive lies `artifacts.json`, which says its version. For macOS, where nothing but the system's own tools
# can be counted on (bash 3.2); it runs on Linux as well.
# Prints a line for each check and, at the end, how many passed; the exit code is 1 if one failed.
set -euo pipefail

archive=$1
server=$2
fixture=$(dirname "$0")/../fixtures/uut-wsjf-export.json
token=dXNlcjpwYXNzd29yZA==
work=$(mktemp -d)
processes=()

cleanup() {
    for process in ${processes[@]+"${processes[@]}"}; do
        kill "$process" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap cleanup EXIT

passed=0
failed=0

# check CLAIM COMMAND...: the claim holds if the command succeeds.
check() {
    local claim=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "passed: $claim"
    else
        failed=$((failed + 1))
        echo "FAILED: $claim"
        tail -n 20 "$work"/*.log 2>/dev/null || true
    fi
}

# Tries a command for a minute.
within_a_minute() {
    for _ in $(seq 240); do
        if "$@"; then return 0; fi
        sleep 0.25
    done
    return 1
}

unpacks() {
    tar -xzf "$archive" -C "$work"
    program=$(echo "$work"/*/pywats-client)
    [ -x "$program" ]
}

version_of_archive() {
    python3 - "$archive" <<'PYTHON'
import json
import pathlib
import sys

archive = pathlib.Path(sys.argv[1])
with open(archive.with_name("artifacts.json"), encoding="utf-8") as listed:
    print(json.load(listed)["artifacts"][archive.name]["version"])
PYTHON
}

says_its_version() {
    local version
    version=$("$program" --version)
    echo "    $version"
    # The version that the program says is the one of its archive.
    [ "$version" = "pywats-client $(version_of_archive)" ]
}

server_answers() {
    grep -q '^listening on ' "$work/server.log"
}

configure() {
    mkdir -p "$work/data"
    local url
    url=$(sed -n 's/^listening on //p' "$work/server.log")
    cat >"$work/config.json" <<CONFIG
{
  "server": { "url": "$url", "token": "$token", "proxy": "none" },
  "client": { "data_dir": "$work/data" },
  "health": { "port": 0 }
}
CONFIG
}

# The report arrived, and means the same as what was sent.
delivered() {
    python3 - "$fixture" "$work/records/0001.json" <<'PYTHON'
import json
import sys

sent, received = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:])
sys.exit(sent != received)
PYTHON
}

# Drops the report as careful programs do, by renaming.
drop_report() {
    cp "$fixture" "$work/data/watch/.report.json" && mv "$work/data/watch/.report.json" "$work/data/watch/report.json"
}

ends_well() {
    kill -TERM "$client" && wait "$client"
}

program=
check "the archive has the program" unpacks
check "the program says the version of its archive" says_its_version

"$server" --ignore-stdin --token "$token" --record "$work/records" >"$work/server.log" 2>&1 &
processes+=($!)
check "the test server listens" within_a_minute server_answers
configure
check "check finds nothing wrong with the configuration" "$program" check --config "$work/config.json"
check "test-connection reaches the server" "$program" test-connection --config "$work/config.json"

"$program" run --config "$work/config.json" >"$work/client.log" 2>&1 &
client=$!
processes+=("$client")
check "the service makes its watch folder" within_a_minute test -d "$work/data/watch"
check "a report can be dropped" drop_report
check "the file lies in done" within_a_minute test -f "$work/data/done/report.json"
check "the report has arrived unchanged" delivered
check "the service ends when told to" ends_well

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
