#!/bin/sh
# Loads the SELinux policy of pyWATS Client, or takes it back. As root:
#     install-selinux.sh install
#     install-selinux.sh remove
#     install-selinux.sh relabel        gives files the labels that they have by it
# The RPM package pywats-client-selinux does both by itself. docs/linux.md says more.
#
# What cannot be done is said, and the exit code is 1. Where SELinux is off, as in the making of an image, the policy is
# put into the store of policies, which is what the image will start with. Where there is no such store, nothing is done.
set -u

module=pywats_client
# That of packages; an administrator's own module of the same name may have 400.
priority=200
unit=pywats-client.service
# What the module labels, where it is there.
labelled="/usr/bin/pywats-client /usr/local/bin/pywats-client /usr/lib/pywats /etc/pywats /var/lib/pywats /run/pywats \
/var/log/pywats"

say() {
    echo "pywats-client: $*" >&2
}

fail() {
    say "$*"
    exit 1
}

PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
folder=$(dirname "$(readlink -f "$0")") || exit 1

# The policy that the system starts with, by what /etc/selinux/config says.
policy=$(sed -n 's/^[[:space:]]*SELINUXTYPE=[[:space:]]*\([A-Za-z0-9_-]*\).*/\1/p' /etc/selinux/config 2>/dev/null | tail -n 1)
policy=${policy:-targeted}

enabled() {
    selinuxenabled 2>/dev/null
}

loaded() {
    semodule -s "$policy" -l 2>/dev/null | grep -q "^$module\([[:space:]]\|\$\)"
}

# Gives files the labels that the policy says now.
relabel() {
    enabled || return 0
    for path in $labelled; do
        if [ -e "$path" ] && ! restorecon -R "$path"; then
            say "$path could not be labelled (see above); run: restorecon -Rv $path"
            failed=1
        fi
    done
}

running() {
    [ -d /run/systemd/system ] && systemctl --quiet is-active "$unit"
}

# Makes the running kernel take the store's policy.
load() {
    enabled || return 0
    load_policy || fail "the policy is stored, but could not be loaded (see above); run: load_policy"
}

install_policy() {
    semodule -n -s "$policy" -X "$priority" -i "$folder/$module.cil" ||
        fail "the policy could not be installed (see above); the service goes on without it. Try again: $0 install"
    load
    relabel
    # A running process keeps its domain.
    if enabled && running && ! systemctl restart "$unit"; then
        say "the service did not start again; see: journalctl -u $unit"
        failed=1
    fi
}

# Labels and ports that an administrator has given by the types of the module keep it from being removed.
forget() {
    kind=$1
    # One command a line, as `semanage import` reads them.
    customized=$(semanage "$kind" --extract 2>/dev/null | grep -e ' -t pywats_' |
        sed "s/^$kind -a /$kind -d /; s/ -t pywats_[a-z_]*//; s/ -r '[^']*'//")
    [ -n "$customized" ] || return 0
    say "what was set with the types of the module is undone:"
    echo "$customized" | sed 's/^/    semanage /' >&2
    echo "$customized" | semanage import || say "semanage could not undo that (see above)"
}

remove_policy() {
    loaded || return 0
    # Without the module nobody knows the domain of a running process any more, and everything is denied to it.
    was_running=0
    if enabled && running; then
        was_running=1
        systemctl stop "$unit"
    fi
    if command -v semanage >/dev/null; then
        forget fcontext
        forget port
    fi
    if ! semodule -n -s "$policy" -X "$priority" -r "$module"; then
        [ "$was_running" = 0 ] || systemctl start "$unit"
        fail "the policy could not be removed (see above). If it names a path or a port, undo that first: \
semanage fcontext -d PATH, semanage port -d -p tcp PORT; then: $0 remove"
    fi
    load
    relabel
    [ "$was_running" = 0 ] || systemctl start "$unit"
}

case "${1:-}" in
    install | remove | relabel) ;;
    *) fail "usage: $0 install|remove|relabel" ;;
esac
[ "$(id -u)" = 0 ] || fail "this needs root: sudo $0 $1"
failed=0
if ! command -v semodule >/dev/null; then
    say "semodule is missing, so there is no SELinux policy to change. Where SELinux is wanted, install the package"
    say "policycoreutils and a policy first; then: $0 $1"
    exit 0
fi
if [ ! -d "/var/lib/selinux/$policy/active" ] && [ ! -d "/etc/selinux/$policy/modules/active" ]; then
    say "no SELinux policy \"$policy\" is installed, so there is nothing to change; when there is one: $0 $1"
    exit 0
fi
case $1 in
    install) install_policy ;;
    remove) remove_policy ;;
    *) relabel ;;
esac
exit "$failed"
