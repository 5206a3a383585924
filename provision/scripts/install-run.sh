# Writes a system to a disk. Arguments: the size of its configuration in bytes,
# and the installer with its own arguments. Stdin: the configuration, and after
# it nothing for as long as kbm waits. When stdin ends, kbm is gone, and so the
# installer ends: two of them must never write to one disk.
set -u
export LC_ALL=C
umask 077
dir=/run/kbm-install size=$1
shift
exec 9>/run/kbm-install.lock && flock -n 9 || { echo "another installation is under way on this machine" >&2; exit 1; }
exec 8<&0 </dev/null
# It holds a private key: it is never to reach a disk but the node's own.
[ "$(stat -f -c %T /run)" = tmpfs ] || { echo "/run is not in memory" >&2; exit 1; }
installer=
trap 'exec >/dev/null 2>&1; rm -rf -- "$dir"; [ -z "$installer" ] || kill -TERM "-$installer"' EXIT
# A signal alone would end sh without the above. After a cut one comes as soon
# as sh remarks to nobody that the installer was ended.
trap 'exit 1' HUP INT PIPE TERM
rm -rf -- "$dir"
mkdir "$dir" || exit 1
head -c "$size" <&8 >"$dir/config.ign" || exit 1
[ "$(stat -c %s -- "$dir/config.ign")" = "$size" ] || { echo "the configuration was cut" >&2; exit 1; }

# In a session of its own it can be ended with all that it has started.
setsid "$@" 2>&1 8<&- &
installer=$!
{ cat <&8; kill -TERM "-$installer"; } >/dev/null 2>&1 9>&- &
watch=$!
wait "$installer"
code=$?
installer=
kill "$watch" 2>/dev/null
[ "$code" != 0 ] || sync || code=$?
exit "$code"
