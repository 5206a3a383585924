# Starts the real sshd of the tests in a mount namespace: $1 is its folder.
# Users, passwords and sudoers are its own; the password of "ask" is opensesame.
set -e
cd "$1"
[ "$(readlink /proc/self/ns/mnt)" != "$(readlink /proc/$PPID/ns/mnt)" ]
[ -n "$1" ]
cat >passwd <<USERS
root:x:0:0::/root:/bin/sh
sshd:x:105:65534::/run/sshd:/usr/sbin/nologin
free:x:5001:5001::/:/bin/sh
ask:x:5002:5002::/:/bin/sh
USERS
hash=$(openssl passwd -6 opensesame)
printf 'root:*:1::::::\nsshd:!:1::::::\nfree:*:1::::::\nask:%s:1::::::\n' "$hash" >shadow
printf 'root:x:0:\nnogroup:x:65534:\nfree:x:5001:\nask:x:5002:\nshadow:x:42:\n' >group
printf 'Defaults secure_path="/usr/sbin:/usr/bin"\nfree ALL=(ALL) NOPASSWD: ALL\nask ALL=(ALL) ALL\n' >sudoers
# A wrong password costs two seconds otherwise.
printf 'auth required pam_unix.so nodelay\naccount required pam_unix.so\nsession required pam_unix.so\n' >pam
mount --bind pam /etc/pam.d/sudo
chmod 644 passwd group
chmod 640 shadow
chmod 440 sudoers
for file in passwd shadow group sudoers; do mount --bind $file /etc/$file; done
mount -t tmpfs tmpfs /run
mkdir -m 755 /run/sshd
exec /usr/sbin/sshd -D -e -f "$1/config" 2>log
