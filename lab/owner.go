package lab

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Owner is who has set up a machine that was there before kbm. Such a machine
// reads no medium, and nobody but itself knows its host keys before it runs.
type Owner struct {
	// User may log in with one of the keys, lines of an authorized_keys file,
	// and may become root.
	User string   `json:"user"`
	Keys []string `json:"keys"`
	// Gateway is the router that the owner chose.
	Gateway netip.Addr `json:"gateway"`
}

// ownerSetup runs on the fresh disk, as an installer's last step would.
const ownerSetup = `set -eu
name=$1 card=$2 address=$3 gateway=$4 port=$5 user=$6 keys=$7
ssh-keygen -q -A
echo "Port $port" >/etc/ssh/sshd_config.d/owner.conf
echo "$name" >/etc/hostname
cat >/etc/systemd/network/owner.network <<END
[Match]
Name=$card
[Network]
Address=$address
Gateway=$gateway
END
if ! getent passwd "$user" >/dev/null; then
	useradd --create-home --shell /bin/bash "$user"
fi
home=$(getent passwd "$user" | cut -d: -f6)
install -d -m 0700 -o "$user" "$home/.ssh"
printf '%s\n' "$keys" >"$home/.ssh/authorized_keys"
chown "$user" "$home/.ssh/authorized_keys"
echo "$user ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/owner`

func (o Owner) setUp(ctx context.Context, m Machine, root string, held *os.File) error {
	cmd := exec.CommandContext(ctx, "chroot", root, "/bin/sh", "-c", ownerSetup, "sh",
		m.Name, m.Interface, m.Address.String(), o.Gateway.String(), strconv.Itoa(int(m.SSHPort)), o.User, strings.Join(o.Keys, "\n"))
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.ExtraFiles = []*os.File{held}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("set up as its owner would: %w\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

// HostKeys are the public host keys that a machine made for itself, lines as in
// authorized_keys, the one that kbm prefers first. They are read from the
// machine's disk, as by somebody who stands before it.
func (l Lab) HostKeys(machine string) ([]byte, error) {
	upper := disk{dir: l.machineDir(machine)}.upper()
	var keys []byte
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		key, err := os.ReadFile(filepath.Join(upper, "etc/ssh/ssh_host_"+kind+"_key.pub"))
		if err != nil {
			return nil, fmt.Errorf("host keys of machine %s: %w", machine, err)
		}
		keys = append(keys, key...)
	}
	return keys, nil
}
