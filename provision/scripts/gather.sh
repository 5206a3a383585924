# Answers every question about this machine in one go. The questions come on
# stdin, one a line: "p PATH", "u UNIT", "d DIRECTORY", "t TOOL". A process per
# question would cost more than all the rest: paths are asked in one call.
set -u
export LC_ALL=C
state=/var/lib/kbm
nl='
'
echo "= clock"
date +%s.%N

paths= units= dirs= tools=
while read -r kind name; do
	case $kind in
	p) paths=$paths$name$nl ;;
	u) units=$units$name$nl ;;
	t) tools=$tools$name$nl ;;
	d)
		# The file system of a folder that is still to be made is its parent's.
		while [ ! -d "$name" ]; do
			name=${name%/*}
			name=${name:-/}
		done
		dirs=$dirs$name$nl
		;;
	esac
done
IFS=$nl
set -f

echo "= os"
cat /etc/os-release 2>/dev/null

echo "= host"
uname -n -r -m
nproc
one() { [ -r "$2" ] && read -r value <"$2" && echo "$1=$value"; }
one machine-id /etc/machine-id
one boot-id /proc/sys/kernel/random/boot_id
[ -e /sys/fs/cgroup/cgroup.controllers ] && echo cgroup=2 || echo cgroup=1
[ -d /run/systemd/system ] && echo systemd=yes
for tool in $tools; do
	command -v "$tool" >/dev/null || echo "missing=$tool"
done
set -- /proc/meminfo /proc/swaps /proc/net/route /proc/net/tcp
[ -r /proc/net/tcp6 ] && set -- "$@" /proc/net/tcp6
set +f
for f in /sys/class/net/*/address; do [ -r "$f" ] && set -- "$@" "$f"; done
grep -qs '^failCgroupV1: false' /etc/kubernetes/kubelet.conf.d/*.conf && echo cgroup-v1=allowed
for f in "$state"/restart/*; do [ -e "$f" ] && echo "pending=${f##*/}"; done
set -f
awk '
	FILENAME == "/proc/meminfo" { if ($1 == "MemTotal:") print "memory=" $2; next }
	FILENAME == "/proc/swaps"   { if (FNR > 1) print "swap=" $1; next }
	FILENAME == "/proc/net/route" { if (FNR > 1) print "route=" $1 " " $2 " " $8; next }
	FILENAME ~ /^\/proc\/net\/tcp/ { if ($4 == "0A") print "listen=" $2; next }
	{ split(FILENAME, part, "/"); print "mac=" part[5] " " $1 }
' "$@"

echo "= addresses"
ip -o addr show 2>/dev/null

echo "= disks"
[ -n "$dirs" ] && df -Pk -- $dirs 2>/dev/null

echo "= inventory"
cat "$state/inventory.json" 2>/dev/null && echo

echo "= incoming"
set +f
stat -c '%s %n' "$state"/incoming/* 2>/dev/null
set -f

echo "= files"
stats=
[ -n "$paths" ] && stats=$(stat -c '%f %U %G %s %.9Y %.9Z %i %n' -- $paths 2>/dev/null)
printf '%s\n' "$stats"

# Files of over 1 MiB are hashed once: as long as size, times and inode stay,
# so does the sum that is remembered for them.
echo "= hashes"
cache=$state/stat-cache
hash=$(printf '%s\n' "$stats" | awk -v cache="$cache" '
	BEGIN { while ((getline line < cache) > 0) known[substr(line, 66)] = substr(line, 1, 64) }
	$1 !~ /^8...$/ { next }
	{
		path = $8; for (i = 9; i <= NF; i++) path = path " " $i
		key = $4 " " $5 " " $6 " " $7 " " path
		if ($4 > 1048576 && key in known) print "known " known[key] "  " path
		else { print "hash " path; if ($4 > 1048576) big = 1 }
	}
	END { if (big) print "big" }')
hash_list= big=
for line in $hash; do
	case $line in
	known\ *) echo "${line#known }" ;;
	hash\ *) hash_list=$hash_list${line#hash }$nl ;;
	big) big=yes ;;
	esac
done
if [ -n "$hash_list" ]; then
	sums=$(sha256sum -- $hash_list 2>/dev/null)
	printf '%s\n' "$sums"
fi
if [ -n "$big" ] && [ -d "$state" ] && umask 077; then
	{
		cat "$cache" 2>/dev/null
		printf '%s\n=\n%s\n' "$sums" "$stats" | awk '
			$0 == "=" { rest = 1; next }
			!rest { sum[substr($0, 67)] = $1; next }
			{
				path = $8; for (i = 9; i <= NF; i++) path = path " " $i
				if ($4 > 1048576 && path in sum) print sum[path] " " $4 " " $5 " " $6 " " $7 " " path
			}'
	} | awk '{ path = $6; for (i = 7; i <= NF; i++) path = path " " $i; last[path] = $0 }
		END { for (path in last) print last[path] }' >"$cache.$$" && mv -f "$cache.$$" "$cache"
fi

echo "= links"
links=$(printf '%s\n' "$stats" | awk '$1 ~ /^a...$/ { path = $8; for (i = 9; i <= NF; i++) path = path " " $i; print path }')
[ -n "$links" ] && readlink -- $links

echo "= units"
[ -n "$units" ] && systemctl show -p Names -p LoadState -p ActiveState -p SubState -p UnitFileState -p NeedDaemonReload -- $units 2>/dev/null
echo "= end"
