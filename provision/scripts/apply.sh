# Puts files in place. Arguments: the folders that files may go to. Stdin: a tar
# that holds every new file as FOLDER/.kbm-new/NAME, and last the list of what
# to do with them. Nothing is renamed before all of it has arrived and is on
# disk: a cut connection or a full disk leaves the machine as it was.
set -u
export LC_ALL=C
state=/var/lib/kbm
umask 077
# Whoever takes the machine's lock next waits until this ends.
exec 9>/run/kbm.writes && flock -s 9 || exit 1
mkdir -p "$state/restart" || exit 1
umask 022

nl='
'
staging="$state/commit$nl$state/union.json.new$nl$state/inventory.json.new$nl"
for folder; do staging=$staging$folder/.kbm-new$nl; done
IFS=$nl
set -f
cleanup() {
	IFS=$nl
	rm -rf -- $staging
}
cleanup
trap cleanup EXIT

tar -x -p -m -f - -C / --same-owner --keep-directory-symlink || exit 1
# tar takes an archive that ends between two entries for a whole one.
[ -f "$state/commit" ] || { echo "the stream of files was cut" >&2; exit 1; }

tab=$(printf '\t')
synced=$(awk -F "$tab" '$1 == "sync" { print $2 }' "$state/commit")
# Delayed allocation finds a full disk only now.
[ -z "$synced" ] || sync -- $synced || exit 1

failed() { echo "$1" >&2; exit 1; }
# The folder of a pod stays until the kubelet is done with it. The name of a
# static pod's is a sum of 32 digits.
ends() {
	set +f
	left=no
	for name; do
		for pod in /var/lib/kubelet/pods/????????????????????????????????/containers/"$name"; do
			[ ! -d "$pod" ] || left=yes
		done
	done
	set -f
	[ $left = yes ]
}
run() {
	op=$1
	shift
	case $op in
	sync) ;;
	room) mkdir -p "$1" && mkdir -p -m 700 "$1/.kbm-new" || failed "cannot make $1" ;;
	stage) # SHA256 FOLDER NAME
		from=$state/incoming/$1 to=$2/.kbm-new/$3
		[ -f "$from" ] || failed "$2/$3 has not been received"
		# On another file system a copy takes the place of a link.
		ln -- "$from" "$to" 2>/dev/null || { cp -- "$from" "$to" && sync -- "$to"; } || exit 1
		;;
	learn) learned=$learned$1$nl paths=$paths$2$nl ;; # SHA256 PATH
	remember)
		IFS=$nl
		printf '%s' "$learned" >"$state/learned"
		stat -c '%s %.9Y %.9Z %i %n' -- $paths | paste -d ' ' "$state/learned" - >>"$state/stat-cache"
		rm -f -- "$state/learned"
		;;
	forget) rm -rf -- "$state/incoming" ;;
	rest) # FOLDER NAME…
		# A kubelet that is to start a static pod while another of its name is still
		# ending tries again after 10 to 15 s. So the old one goes first, wholly.
		folder=$1
		shift
		for name; do rm -f -- "$folder/$name.yaml" || failed "cannot remove $folder/$name.yaml"; done
		tries=300
		while [ $tries -gt 0 ] && ends "$@" && systemctl is-active --quiet kubelet.service; do
			tries=$((tries - 1))
			sleep 0.1
		done
		;;
	move) # FOLDER NAME…
		folder=$1
		shift
		cd "$folder/.kbm-new" && mv -f -t "$folder" -- "$@" || failed "cannot put files into $folder"
		cd /
		[ -z "$labels" ] || (cd "$folder" && restorecon -F -- "$@")
		;;
	mode) # MODE OWNER FILE…
		mode=$1 owner=$2
		shift 2
		chown -- "$owner" "$@" && chmod -- "$mode" "$@" || failed "cannot set modes and owners"
		;;
	remove)
		if [ -d "$1" ] && [ ! -L "$1" ]; then rmdir -- "$1" 2>/dev/null || :
		else rm -f -- "$1" || failed "cannot remove $1"; fi
		;;
	stop) systemctl disable --now --quiet -- "$1" 2>/dev/null || : ;;
	owe) : >"$state/restart/$1" || failed "cannot note the restart of $1" ;;
	place) mv -f -- "$1" "$2" || failed "cannot write $2" ;;
	flush) sync -- "$@" || exit 1 ;;
	hostname)
		hostnamectl set-hostname -- "$1" 2>/dev/null || {
			echo "$1" >/etc/hostname
			echo "$1" >/proc/sys/kernel/hostname
		} || failed "cannot set the host name to $1"
		;;
	reload) systemctl daemon-reload || exit 1 ;;
	# Each of the three would reload systemd by itself: once, after them, is enough.
	unmask) systemctl unmask --quiet --no-reload -- "$@" || exit 1 ;;
	enable) systemctl enable --quiet --no-reload -- "$@" || exit 1 ;;
	disable) systemctl disable --quiet --no-reload -- "$@" || exit 1 ;;
	esac
}
labels= learned= paths=
[ -e /sys/fs/selinux/enforce ] && command -v restorecon >/dev/null && labels=yes
while IFS= read -r line <&3; do
	IFS=$tab
	run $line
	IFS=$nl
done 3<"$state/commit"
