#!/bin/sh
# Starts qasr in the container: as the user of PUID and PGID when the container starts as root, else as the user that
# `--user` chose. The arguments are those of qasr; the word `qasr` before them may be left out.
# It never touches media, and changes the owner of nothing but /config and /models.
set -eu

refuse() {
    echo "qasr: $1" >&2
    exit 78
}

require_number() {
    case $2 in
    '' | *[!0-9]* | ???????????*) refuse "$1 is \"$2\": a number is needed, as \`id\` prints it" ;;
    esac
}

# A volume from before PUID was changed, or a folder that the daemon made for root.
take_over() {
    if [ "$(stat -c %u:%g "$1")" != "$PUID:$PGID" ] && ! chown -RhP "$PUID:$PGID" "$1" 2>/dev/null; then
        echo "qasr: the owner of $1 cannot be changed to $PUID:$PGID; what is written there may fail" >&2
    fi
}

# Groups of `--group-add` stay, as a folder may belong to one; that of root goes.
other_groups() {
    groups=$PGID
    for group in $(id -G); do
        [ "$group" -eq 0 ] || groups=$groups,$group
    done
    echo "$groups"
}

if [ "${1-}" = qasr ]; then
    shift
fi
PUID=${PUID:-1000}
PGID=${PGID:-1000}
UMASK=${UMASK:-022}
if [ "$(id -u)" -eq 0 ]; then
    require_number PUID "$PUID"
    require_number PGID "$PGID"
fi
# Compared as numbers: 00 is root as well, and as a text it would be started again and again.
if [ "$(id -u)" -eq 0 ] && [ "$PUID" -ne 0 ]; then
    take_over /config
    take_over /models
    # Without the privileges of root for good: ffmpeg reads files of strangers.
    exec setpriv --reuid "$PUID" --regid "$PGID" --groups "$(other_groups)" \
        --no-new-privs --inh-caps=-all --bounding-set=-all "$0" "$@"
fi
case $UMASK in
'' | *[!0-7]*) refuse "UMASK is \"$UMASK\": an octal number such as 022 is needed" ;;
esac
umask "$UMASK"
if [ -z "${QASR_CONFIG-}" ] && [ -f /config/qasr.toml ]; then
    export QASR_CONFIG=/config/qasr.toml
fi
exec qasr "$@"
