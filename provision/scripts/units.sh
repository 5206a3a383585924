# Starts and restarts units, in the order of the arguments: ACTION UNIT …
# The first one that fails ends it, with the end of its journal on stderr.
set -u
export LC_ALL=C
# What a unit said last comes to the journal later than systemd's answer.
journal() {
	journalctl --sync 2>/dev/null
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		said=$(journalctl -u "$1" -n 15 --no-pager -o short-iso --no-hostname)
		case $said in *'Failed to start '* | *'Dependency failed'*) break ;; esac
		sleep 0.1
	done
	printf '%s\n' "$said"
}
# A unit that is gone needs no restart any more.
load() { systemctl show -p LoadState --value -- "$1"; }
while [ $# -gt 1 ]; do
	action=$1 units=$2
	shift 2
	# What is down is started in one call: systemd knows what can come up side
	# by side. What runs is restarted one by one, so that little is down at once.
	while [ "$action ${1-}" = "start start" ]; do
		units="$units $2"
		shift 2
	done
	systemctl reset-failed -- $units 2>/dev/null
	if ! said=$(systemctl "$action" -- $units 2>&1) && { [ "$action" = start ] || [ "$(load "$units")" != not-found ]; }; then
		for unit in $units; do
			systemctl --quiet is-active -- "$unit" || break
		done
		{
			echo "$said"
			echo "= $unit"
			journal "$unit"
		} >&2
		exit 3
	fi
	for unit in $units; do
		rm -f -- "/var/lib/kbm/restart/$unit"
	done
done
