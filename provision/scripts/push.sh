# Receives one artefact. Arguments: its SHA256, its size, and how much of it is
# here already. Stdin: the rest. What was received before a cut is kept.
set -u
export LC_ALL=C
umask 077
incoming=/var/lib/kbm/incoming
part=$incoming/$1.part
mkdir -p "$incoming" || exit 1
# A session that was cut may still be writing what it had received.
exec 8>>"$part" && flock 8 || exit 1
[ "$3" -gt 0 ] || : >"$part"
have=$(stat -c %s -- "$part")
[ "$have" = "$3" ] || { echo "$have" >&2; exit 4; }
cat >&8 || exit 1
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
sync -- "$part" && mv -f -- "$part" "$incoming/$1"
