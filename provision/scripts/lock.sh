# Holds the lock of this machine until stdin ends. Argument: who holds it.
# Nothing has to be cleaned up: the lock is gone with the last process that has
# the file open, and "cat" ends when the SSH session does.
set -u
export LC_ALL=C
umask 077
exec 9<>/run/kbm.lock || exit 1
flock -n 9 || { cat <&9 >&2; exit 3; }
printf '%s\n' "$1" >/run/kbm.lock
echo held
exec cat >/dev/null
