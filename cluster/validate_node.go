package cluster

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// maxNodeName leaves room for "system:node:" in a certificate's common name,
// which has 64 characters (RFC 5280, ub-common-name).
const maxNodeName = 52

// checkNode is told the cluster's operating system, since a fault in that is
// not the fault of every node.
func checkNode(k checker, n *Node, inherited string) {
	switch {
	case n.Name == "":
		k.missing("name", "write the machine's host name, such as w1")
	case len(n.Name) > maxNodeName:
		k.add("name", n.Name, "is too long for a certificate", fmt.Sprintf("use up to %d characters", maxNodeName))
	case len(validation.IsDNS1123Label(n.Name)) > 0:
		k.add("name", n.Name, "is not a host name", "use lower case letters, digits and '-', with a letter or digit at both ends")
	}
	switch n.Role {
	case Controller, Worker, Edge:
	case "":
		k.missing("role", "write controller, worker or edge")
	default:
		k.add("role", string(n.Role), "is not a role", "write controller, worker or edge")
	}
	checkNodeNetwork(k, n)
	if n.OS != inherited {
		k.system("os", n.OS)
	}
	k.media(n.Media)
	checkLabels(k, n.Labels)
	checkTaints(k, n.Taints)
	checkNodeSSH(k, n)
}

func checkNodeNetwork(k checker, n *Node) {
	lan, fixed := n.Prefix()
	checkNodeAddress(k, n.Address)
	if n.Gateway != "" {
		checkGateway(k, n, lan, fixed)
	}
	for i, d := range n.DNS {
		k.address(fmt.Sprintf("dns[%d]", i), d)
	}
	checkNodeInterfaces(k, n, fixed)
}

func checkNodeAddress(k checker, text string) {
	const right = "write 192.168.1.11/24 where kbm is to configure it, or 192.168.1.11 where DHCP does"
	if text == "" {
		k.missing("address", right)
		return
	}
	host, length, withLength := strings.Cut(text, "/")
	if wrong, _ := addressFault(host); wrong != "" {
		k.add("address", text, wrong, right)
		return
	}
	lan, err := netip.ParsePrefix(text)
	switch {
	case withLength && err != nil:
		k.add("address", text, "has a length that is none: /"+length, right)
	case withLength && lan.Bits() == 0:
		k.add("address", text, "has the whole Internet for its network", right)
	case withLength && isEdgeOfNet(lan, lan.Addr()):
		k.add("address", text, "is the network or broadcast address of "+lan.Masked().String(), "choose an address between the two")
	}
}

// isEdgeOfNet tells whether an address is the first or last of an IPv4
// network; those of /31 and /32 are addresses like any other (RFC 3021).
func isEdgeOfNet(lan netip.Prefix, ip netip.Addr) bool {
	if !ip.Is4() || !lan.Addr().Is4() || lan.Bits() > 30 || !lan.Contains(ip) {
		return false
	}
	first, host := lan.Masked().Addr(), 32-lan.Bits()
	b := first.As4()
	last := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	last |= 1<<host - 1
	return ip == first || ip == netip.AddrFrom4([4]byte{byte(last >> 24), byte(last >> 16), byte(last >> 8), byte(last)})
}

func checkGateway(k checker, n *Node, lan netip.Prefix, fixed bool) {
	if wrong, right := addressFault(n.Gateway); wrong != "" {
		k.add("gateway", n.Gateway, wrong, right)
		return
	}
	gw := netip.MustParseAddr(n.Gateway)
	switch {
	case !fixed:
		k.add("gateway", n.Gateway, "would not be used: address has no length, so DHCP configures the machine",
			"write address with its length, such as "+n.Address+"/24, or leave the gateway out")
	case gw == lan.Addr():
		k.add("gateway", n.Gateway, "is the node itself", "write the address of the router")
	case !lan.Contains(gw):
		k.add("gateway", n.Gateway, "is outside the node's network "+lan.Masked().String(), "write a router inside it, or correct the length of address")
	case isEdgeOfNet(lan, gw):
		k.add("gateway", n.Gateway, "is the network or broadcast address of "+lan.Masked().String(), "write the address of the router")
	}
}

func checkNodeSSH(k checker, n *Node) {
	k.port("ssh.port", n.SSH.Port)
	k.user("ssh.user", n.SSH.User)
	k.jump("ssh.jump", n.SSH.Jump)
	// A forwarded port is a way to reach a machine: loopback is fine here.
	if h := n.SSH.Host; h != "" && h != "localhost" {
		if ip, err := netip.ParseAddr(h); err != nil || !ip.IsLoopback() {
			k.host("ssh.host", h)
		}
	}
	if n.SSH.HostKey != "" && !isFingerprint(n.SSH.HostKey) {
		k.add("ssh.hostKey", n.SSH.HostKey, "is not a fingerprint",
			"write SHA256: and 43 characters, as ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub prints on the machine")
	}
}

func isFingerprint(text string) bool {
	digest, ok := strings.CutPrefix(text, "SHA256:")
	raw, err := base64.RawStdEncoding.Strict().DecodeString(digest)
	return ok && err == nil && len(raw) == 32
}
