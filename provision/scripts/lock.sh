# Holds the lock of this machine until stdin ends. Argument: who holds it.
# Nothing has to be cleaned up: the lock is gone with the last process that has
# the file open, and "cat" ends when the SSH session does. What a kbm that was
# killed had told the machine to write goes on without it: that is waited for.
set -u
export LC_ALL=C
umask 077
exec 9<>/run/kbm.lock || exit 1
flock -n 9 || { cat <&9 >&2; exit 3; }
printf '%s\n' "$1" >/run/kbm.lock
flock -w 60 /run/kbm.writes true || { echo "an earlier run is still writing files" >&2; exit 1; }
echo held
exec cat >/dev/null
