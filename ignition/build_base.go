package ignition

import (
	"strings"

	"github.com/kbm-dev/kbm/cluster"
)

// base is what a node needs to be reached and trusted, and nothing more: its
// name, its address, its SSH host key, and who may log in.
func (b *builder) base() {
	in := b.in
	b.m.Users = []User{{Name: in.Cluster.SSHOf(in.Node).User}}
	b.file(File{Path: "/etc/hostname", Mode: 0o644, Content: []byte(in.Node.Name + "\n")})

	if !adopted(in.Node) {
		host := b.keys.SSHHost
		b.file(File{Path: "/etc/ssh/ssh_host_ed25519_key", Mode: 0o600, Content: host.Private, Secret: true})
		b.file(File{Path: "/etc/ssh/ssh_host_ed25519_key.pub", Mode: 0o644, Content: host.Public})
		b.file(File{Path: "/etc/ssh/ssh_host_ed25519_key-cert.pub", Mode: 0o644, Content: host.Certificate})
		b.file(File{Path: "/etc/ssh/sshd_config.d/00-kbm.conf", Mode: 0o600, Content: b.render("etc/ssh/kbm.conf", b.data)})
		b.file(File{Path: "/etc/ssh/kbm_user_ca.pub", Mode: 0o644, Content: in.PKI.SSHUserCA.Public})
		// A file of kbm's own, not the user's: so a key that leaves the spec
		// leaves the machine.
		keys := strings.Join(in.Cluster.SSH.AuthorizedKeys, "\n")
		b.file(File{Path: "/etc/ssh/kbm_authorized_keys", Mode: 0o644, Content: []byte(keys + "\n")})
	}
	b.network()
}

// adopted machines were not booted from kbm's media: their SSH and network are
// the owner's.
func adopted(n *cluster.Node) bool { return n.SSH.HostKey != "" }
