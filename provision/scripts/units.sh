# Starts and restarts units, in the order of the arguments: ACTION UNIT …
# The first one that fails ends it, with the end of its journal on stderr.
set -u
export LC_ALL=C
# A unit that is gone needs no restart any more.
load() { systemctl show -p LoadState --value -- "$1"; }
while [ $# -gt 1 ]; do
	systemctl reset-failed -- "$2" 2>/dev/null
	if ! said=$(systemctl "$1" -- "$2" 2>&1) && [ "$1 $(load "$2")" != "restart not-found" ]; then
		{
			echo "$said"
			echo "= $2"
			journalctl -u "$2" -n 15 --no-pager -o short-iso --no-hostname
		} >&2
		exit 3
	fi
	rm -f -- "/var/lib/kbm/restart/$2"
	shift 2
done
