#!/bin/sh
# Makes what a cloud image is: a disk that starts by itself, with a system that
# has cloud-init and nothing else to say who it is. $1 is the disk; beside it,
# room is taken for a while.
set -eu
disk=$1 root=$1.root
. /etc/os-release

# INITRD=No: the one made below starts in a fraction of the time where the
# processor is emulated.
rm -rf "$root"
INITRD=No mmdebstrap --quiet --mode=root --format=directory --variant=minbase --dpkgopt=force-unsafe-io \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	--aptopt='Acquire::Languages "none"' \
	--include=linux-image-cloud-amd64,busybox-static,grub-pc-bin,systemd-sysv,dbus,udev,kmod,cloud-init,openssh-server,sudo,iproute2,libnss-myhostname \
	"$VERSION_CODENAME" "$root"

# Nobody knows its name and keys yet.
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname" "$root/var/lib/dbus/machine-id"
: >"$root/etc/machine-id"
echo '/dev/vda1 / ext4 defaults 0 1' >"$root/etc/fstab"
cat >"$root/etc/cloud/cloud.cfg.d/90-image.cfg" <<'END'
locale: false # it has none but C
# No package of GRUB is to be told anything, and nobody reads the console.
grub_dpkg: {enabled: false}
apt: {preserve_sources_list: true}
ssh: {emit_keys_to_console: false}
no_ssh_fingerprints: true
END
systemctl --quiet --root="$root" enable systemd-networkd
# What nobody needs here takes an emulated processor a second each.
systemctl --quiet --root="$root" mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
	getty@tty1.service serial-getty@ttyS0.service dev-hugepages.mount dev-mqueue.mount proc-sys-fs-binfmt_misc.automount systemd-binfmt.service \
	sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount \
	modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service modprobe@loop.service

# The drivers of the disk, and of the CD-ROM, which cloud-init looks for before
# udev has loaded any.
kernel=$(basename "$root"/lib/modules/*)
mkdir -p "$root/initrd/bin" "$root/initrd/dev" "$root/initrd/disk"
for module in virtio_pci virtio_blk ext4 virtio_scsi sr_mod isofs; do
	chroot "$root" modprobe --set-version "$kernel" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$root/initrd/modules"
(cd "$root" && sed 's,^/,,' initrd/modules | xargs cp -L --parents --target-directory=initrd)
cp "$root/bin/busybox" "$root/initrd/bin"
cat >"$root/initrd/init" <<'END'
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
while read -r module; do /bin/busybox insmod "$module"; done </modules
until /bin/busybox mount -o ro -t ext4 /dev/vda1 /disk; do /bin/busybox sleep 0.1; done
exec /bin/busybox switch_root /disk /sbin/init
END
chmod 755 "$root/initrd/init"
chroot "$root" sh -c 'cd /initrd && find . | busybox cpio -o -H newc | gzip >/boot/initrd'
rm -r "$root/initrd"

cat >"$root/boot/grub.cfg" <<END
linux (hd0,msdos1)/boot/vmlinuz-$kernel root=/dev/vda1 console=ttyS0 net.ifnames=0 panic=-1 mitigations=off nokaslr audit=0 apparmor=0 ipv6.disable=1 fsck.mode=skip
initrd (hd0,msdos1)/boot/initrd
boot
END
chroot "$root" grub-mkimage --format=i386-pc --prefix=/boot --config=/boot/grub.cfg --output=/boot/core.img biosdisk part_msdos ext2 linux

# As grub-install has it: the boot code, a table with one partition, which
# starts at 1 MiB (2048 sectors) and has 1023 (0x1ff800 sectors), and the rest of
# GRUB in between.
rm -f "$disk"
truncate --size=1G "$disk"
mke2fs -q -t ext4 -d "$root" -E offset=1048576 "$disk" 1023M
put() { dd of="$disk" bs=1 seek="$1" conv=notrunc status=none; }
head -c 440 "$root/usr/lib/grub/i386-pc/boot.img" | put 0
printf '\200\0\0\0\203\0\0\0\0\010\0\0\0\370\037\0' | put 446
printf '\125\252' | put 510
put 512 <"$root/boot/core.img"
rm -r "$root"
