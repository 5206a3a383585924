# Fetches one artefact on the machine itself. Arguments: its SHA256, its size,
# the URL, and where it is in the archive there, or nothing. What was received
# before a cut is kept.
set -u
export LC_ALL=C
umask 077
incoming=/var/lib/kbm/incoming
part=$incoming/$1.part
mkdir -p "$incoming" || exit 1

# bring URL FILE goes on where FILE ends.
bring() {
	if command -v curl >/dev/null; then
		# A kilobyte a second for a minute is what kbm itself asks of a server.
		curl -fsSL --retry 3 --connect-timeout 30 --speed-limit 1000 --speed-time 60 -C - -o "$2" -- "$1"
	elif command -v wget >/dev/null; then
		wget -q --tries=3 --timeout=60 -c -O "$2" -- "$1"
	else
		echo "there is neither curl nor wget: install one, or leave bundle.online out" >&2
		exit 5
	fi
}

# get begins anew where it cannot go on.
get() {
	bring "$1" "$2" && return
	[ -s "$2" ] && : >"$2" && bring "$1" "$2"
}

if [ -z "$4" ]; then
	exec 8>>"$part" && flock 8 || exit 1
	have=$(stat -c %s -- "$part")
	[ "$have" -lt "$2" ] || : >"$part"
	get "$3" "$part" || exit 1
else
	# Several artefacts are in one archive: the first of them fetches it.
	archive=$incoming/.$(printf %s "$3" | sha256sum | cut -c 1-32)
	exec 8>>"$archive.lock" && flock 8 || exit 1
	if [ ! -e "$archive" ]; then
		get "$3" "$archive.part" || exit 1
		mv -f -- "$archive.part" "$archive" || exit 1
	fi
	tar -xzOf "$archive" "$4" >"$part" 2>/dev/null || tar -xzOf "$archive" "./$4" >"$part" || {
		rm -f -- "$archive" "$part"
		exit 1
	}
fi
sum=$(openssl dgst -sha256 -r <"$part" 2>/dev/null) || sum=$(sha256sum <"$part")
if [ "${sum%% *}" != "$1" ]; then
	rm -f -- "$part" "${archive:-$part}"
	echo "${sum%% *}" >&2
	exit 3
fi
sync -- "$part" && mv -f -- "$part" "$incoming/$1"
