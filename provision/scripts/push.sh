# Receives artefacts, one after the other. Arguments: SHA256, size, and how much
# of it is here already, of each. Stdin: the rests, with nothing between them.
# What was received before a cut is kept. Stdout: the SHA256 of what is whole.
set -u
export LC_ALL=C
umask 077
incoming=/var/lib/kbm/incoming
mkdir -p "$incoming" || exit 1
while [ $# -gt 0 ]; do
	part=$incoming/$1.part
	# A session that was cut may still be writing what it had received.
	exec 8>>"$part" && flock 8 || exit 1
	[ "$3" -gt 0 ] || : >"$part"
	have=$(stat -c %s -- "$part")
	[ "$have" = "$3" ] || { echo "$have" >&2; exit 4; }
	# A pipe holds 64 KiB.
	dd bs=64K count=$(($2 - $3)) iflag=count_bytes,fullblock status=none >&8 || exit 1
	have=$(stat -c %s -- "$part")
	[ "$have" = "$2" ] || { echo "cut after $have of $2 bytes" >&2; exit 1; }
	# Where there is an openssl, it uses the processor's own SHA instructions, and
	# is four times faster than the sha256sum of Debian.
	sum=$(openssl dgst -sha256 -r <"$part" 2>/dev/null) || sum=$(sha256sum <"$part")
	if [ "${sum%% *}" != "$1" ]; then
		rm -f -- "$part"
		echo "${sum%% *}" >&2
		exit 3
	fi
	sync -- "$part" && mv -f -- "$part" "$incoming/$1" || exit 1
	echo "$1"
	shift 3
done
