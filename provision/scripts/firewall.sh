# The firewall of this machine: ACTION UNIT TABLE WANTED CONFIRMED SECONDS.
# "try" puts the wanted rules in force and has systemd take them back after some
# seconds; "confirm" keeps them, now and at boot; "undo" takes them back at once.
# Whoever moves the file "pending" away decides: so only one of them does.
set -u
export LC_ALL=C
action=$1 unit=$2 table=$3 wanted=$4 confirmed=$5 seconds=$6
dir=/run/kbm-firewall
timer=kbm-firewall-undo
failed() { echo "$1" >&2; exit 1; }

case $action in
try)
	nft -c -f "$wanted" || exit 1
	# A kbm that was killed may have left a trial: what it tried is not "before".
	[ ! -e $dir/pending ] || sh $dir/undo || exit 1
	systemctl stop $timer.timer 2>/dev/null
	rm -rf $dir && mkdir -m 700 $dir && cp -- "$wanted" $dir/tried || exit 1
	if systemctl --quiet is-active "$unit" && [ -f "$confirmed" ]; then cp -- "$confirmed" $dir/before || exit 1; fi
	cat >$dir/undo <<-END
		mv $dir/pending $dir/undone 2>/dev/null || exit 0
		[ ! -f $dir/before ] || exec nft -f $dir/before
		exec nft delete table inet $table
	END
	: >$dir/pending
	systemd-run --quiet --collect --unit=$timer --on-active="$seconds" --timer-property=AccuracySec=1s /bin/sh $dir/undo ||
		failed "without a timer that takes the rules back they are not tried"
	nft -f $dir/tried || { sh $dir/undo; exit 1; }
	;;
confirm)
	mv $dir/pending $dir/kept 2>/dev/null || failed "the rules were taken back before they could be confirmed"
	systemctl stop $timer.timer 2>/dev/null
	cp -- $dir/tried "$confirmed.new" && sync -- "$confirmed.new" && mv -f -- "$confirmed.new" "$confirmed" && sync -- "${confirmed%/*}" || exit 1
	systemctl reset-failed -- "$unit" 2>/dev/null
	systemctl reload-or-restart -- "$unit" || exit 1
	rm -f -- "/var/lib/kbm/restart/$unit"
	;;
undo)
	sh $dir/undo || exit 1
	systemctl stop $timer.timer 2>/dev/null
	exit 0
	;;
esac
