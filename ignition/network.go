package ignition

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
)

// networkdDir is where systemd-networkd looks.
const networkdDir = "/etc/systemd/network"

// nmDir is where NetworkManager looks.
const nmDir = "/etc/NetworkManager/system-connections"

// bondName is the name of a machine's only bond.
const bondName = "bond0"

// NetworkOf is the node's own address where the spec gives one with a length.
// Without a length it is nil: something else gives the address, DHCP as a rule.
func NetworkOf(c *cluster.Cluster, node *cluster.Node) *Network {
	prefix, ok := node.Prefix()
	if !ok || adopted(node) {
		return nil
	}
	resolvers := node.DNS
	if len(resolvers) == 0 {
		resolvers = c.Network.Resolvers
	}
	return &Network{
		Address: prefix.String(), Gateway: node.Gateway, DNS: resolvers, Interface: node.Interface, MAC: node.MAC,
		Bond: node.Bond.Interfaces, BondMode: node.Bond.Mode, VLAN: node.VLAN,
	}
}

func (b *builder) network() {
	n := NetworkOf(b.in.Cluster, b.in.Node)
	if n == nil {
		return
	}
	b.m.Network = n
	switch b.os.Network {
	case cluster.Networkd:
		b.networkd(*n)
	case cluster.NetworkManager:
		b.networkManager(*n)
	}
}

// networkd takes the first file, in the order of their names, that fits an
// interface. What has the address comes first, and by its name: a VLAN has the
// MAC address of the card that it is on, and would pass for it.
func (b *builder) networkd(n Network) {
	file := func(name, template string, data map[string]any) {
		b.file(File{Path: networkdDir + "/" + name, Mode: 0o644, Content: b.render("etc/systemd/network/"+template, data)})
	}
	file("10-kbm.network", "kbm.network", n.data())
	if n.VLAN != 0 {
		file("10-kbm-vlan.netdev", "kbm-vlan.netdev", n.data())
		file("11-kbm-base.network", "kbm-base.network", n.data())
	}
	if len(n.Bond) > 0 {
		file("10-kbm-bond.netdev", "kbm-bond.netdev", n.data())
		file("11-kbm-ports.network", "kbm-ports.network", n.data())
	}
}

// networkManager has a file for each interface. It ignores those that others
// may read.
func (b *builder) networkManager(n Network) {
	file := func(name, template string, data map[string]any) {
		b.file(File{Path: nmDir + "/" + name + ".nmconnection", Mode: 0o600, Content: b.render("etc/NetworkManager/"+template, data)})
	}
	file("kbm", "kbm.nmconnection", n.data())
	link := func(id, kind, name, mac string, port bool) {
		data := n.data()
		data["ID"], data["Type"], data["Interface"], data["MAC"], data["Port"] = id, kind, name, mac, port
		file(id, "kbm-link.nmconnection", data)
	}
	switch {
	case n.VLAN != 0 && len(n.Bond) > 0:
		link("kbm-base", "bond", bondName, "", false)
	case n.VLAN != 0:
		link("kbm-base", "ethernet", n.Interface, n.MAC, false)
	}
	for i, port := range n.Bond {
		name, mac := port, ""
		if n.bondByMAC() {
			name, mac = "", port
		}
		link(fmt.Sprintf("kbm-port%d", i+1), "ethernet", name, mac, true)
	}
}

// data is what the templates of both daemons speak of. Interface and MAC are
// of what has the address, Parent and ParentMAC of what a VLAN is on.
func (n Network) data() map[string]any {
	family, kind := "ipv4", "ethernet"
	if prefix, err := netip.ParsePrefix(n.Address); err == nil && prefix.Addr().Is6() {
		family = "ipv6"
	}
	name, mac, parent, parentMAC := n.Interface, n.MAC, "", ""
	if len(n.Bond) > 0 {
		name, kind = bondName, "bond"
	}
	if n.VLAN != 0 {
		name, mac, parent, parentMAC, kind = n.vlanName(), "", name, mac, "vlan"
	}
	return map[string]any{
		"Address": n.Address, "Gateway": n.Gateway, "DNS": n.DNS, "Family": family, "Type": kind,
		"Interface": name, "MAC": mac, "Parent": parent, "ParentMAC": parentMAC,
		"VLAN": n.VLAN, "VLANName": n.vlanName(),
		"BondName": bondName, "Mode": n.BondMode, "Ports": n.Bond, "PortsByMAC": n.bondByMAC(),
	}
}

func (n Network) vlanName() string { return fmt.Sprintf("vlan%d", n.VLAN) }

// bondByMAC tells how the cards of a bond are named: no interface that a bond
// may name has a colon.
func (n Network) bondByMAC() bool { return len(n.Bond) > 0 && strings.Contains(n.Bond[0], ":") }
