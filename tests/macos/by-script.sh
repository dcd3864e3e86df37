#!/bin/bash
# Installs the program by the script that cargo-dist made, out of a folder of archives in place of the internet:
#
#     tests/macos/by-script.sh pywats-client-installer.sh DIST
#
# For macOS, where nothing but the system's own tools can be counted on (bash 3.2); it runs on Linux as well. HOME is a
# folder that is removed at the end. Prints a line for each check; the exit code is 1 if one failed.
set -euo pipefail

installer=$1
dist=$2
case $(uname -sm) in
    "Darwin arm64") target=aarch64-apple-darwin ;;
    "Darwin x86_64") target=x86_64-apple-darwin ;;
    "Linux aarch64") target=aarch64-unknown-linux-musl ;;
    "Linux x86_64") target=x86_64-unknown-linux-musl ;;
    *) echo "there is no archive for $(uname -sm)" >&2 && exit 1 ;;
esac
archive=pywats-client-$target.tar.gz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work/home
unset XDG_BIN_HOME XDG_DATA_HOME XDG_CONFIG_HOME GITHUB_PATH
program=$HOME/.local/bin/pywats-client

mkdir "$HOME" "$work/good" "$work/changed" "$work/unpacked"
cp "$dist/$archive" "$work/good/"
{ cat "$dist/$archive" && printf '\0'; } >"$work/changed/$archive"
tar -xzf "$dist/$archive" --strip-components 1 -C "$work/unpacked"

failed=0

# check CLAIM COMMAND...: the claim holds if the command succeeds.
check() {
    local claim=$1
    shift
    if "$@"; then
        echo "passed: $claim"
    else
        failed=1
        echo "FAILED: $claim"
        tail -n 20 "$work/log" 2>/dev/null || true
    fi
}

# What users pipe into a shell.
install_from() {
    PYWATS_CLIENT_DOWNLOAD_URL=file://$work/$1 sh <"$installer" >"$work/log" 2>&1
}

refuses_a_change() {
    ! install_from changed && grep -q "checksum mismatch" "$work/log"
}

is_installed() {
    cmp "$work/unpacked/pywats-client" "$program" && [ -x "$program" ]
}

says_a_version() {
    [[ $("$program" --version) == "pywats-client "* ]]
}

leaves_the_older_one() {
    echo older >"$program"
    refuses_a_change && [ "$(cat "$program")" = older ]
}

check "a changed archive is refused" refuses_a_change
check "then nothing is installed" test ! -e "$program"
check "the script ends well" install_from good
check "the program is the one of the archive" is_installed
check "it runs" says_a_version
check "a changed archive does not replace an older program" leaves_the_older_one
check "a second run does" install_from good
check "the program is again the one of the archive" is_installed
[ "$failed" -eq 0 ]
