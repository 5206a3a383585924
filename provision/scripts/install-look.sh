# Tells what must be known before a disk is written, in one go. Arguments: the
# device, and the installers that would do. All columns are asked for, since
# an lsblk refuses those that it does not know.
set -u
export LC_ALL=C
device=$1
shift
echo "= boot"
cat /proc/sys/kernel/random/boot_id
echo "= arch"
uname -m
echo "= device"
readlink -f -- "$device"
echo "= tools"
for tool in lsblk setsid flock head stat "$@"; do
	command -v "$tool" >/dev/null && echo "$tool"
done
echo "= run"
stat -f -c %T /run
# Of a file system on many disks lsblk shows the mount at one of them only.
echo "= pools"
for member in /sys/fs/btrfs/*/devices/* /sys/fs/bcachefs/*/dev-*/block; do
	[ -e "$member" ] && basename "$(readlink -f "$member")"
done
if command -v zpool >/dev/null; then
	zpool list -v -H -P -L 2>/dev/null | awk '$1 ~ "^/dev/" { sub("^/dev/", "", $1); print $1 }'
fi
echo "= disks"
lsblk -J -b -O 2>/dev/null
echo
echo "= end"
