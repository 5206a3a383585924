package ignition

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
)

// The firewall of a node. What kbm delivers is only wanted: the unit loads the
// confirmed copy, which package provision makes once the rules have let it in a
// second time. So no medium, however it came about, can lock anybody out.
const (
	FirewallUnit      = "kbm-firewall.service"
	FirewallWanted    = "/etc/kbm/firewall.nft"
	FirewallConfirmed = "/etc/kbm/firewall-confirmed.nft"
	FirewallTable     = "kbm_firewall"
)

func (b *builder) firewall() {
	c, n := b.in.Cluster, b.in.Node
	if !c.HasFirewall(n) {
		return
	}
	f := c.Security.Firewall
	nodes := c.AddressesOf(cluster.Controller, cluster.Worker, cluster.Edge)
	trusted4, trusted6 := elements(cluster.Networks(slices.Concat(nodes, f.Trusted)...))
	admin4, admin6 := elements(cluster.Networks(f.Admin...))
	var world []string
	for _, port := range c.OpenPorts(n) {
		world = append(world, fmt.Sprintf("%s . %d", port.Protocol, port.Number))
	}
	b.file(File{
		Path: FirewallWanted, Mode: 0o644, Stage: Joined, Restarts: []string{FirewallUnit},
		Content: b.render("etc/kbm/firewall.nft", b.with(map[string]any{
			"Trusted4": trusted4, "Trusted6": trusted6,
			"Admin4": admin4, "Admin6": admin6, "OpenSSH": len(f.Admin) == 0,
			"SSHPorts": sshPorts(c, n),
			"World":    strings.Join(world, ", "),
		})),
	})
	b.unit(Unit{
		Name: FirewallUnit, Enabled: true, Started: true, Stage: Joined,
		Content: string(b.render("etc/systemd/system/kbm-firewall.service", b.with(map[string]any{"Confirmed": FirewallConfirmed}))),
	})
}

// sshPorts are where sshd may be: the port that kbm dials can be a router's,
// which leads to the usual one.
func sshPorts(c *cluster.Cluster, n *cluster.Node) string {
	if port := c.SSHOf(n).Port; port != cluster.DefaultSSHPort {
		return fmt.Sprintf("%d, %d", cluster.DefaultSSHPort, port)
	}
	return fmt.Sprint(cluster.DefaultSSHPort)
}

// elements are the networks of either family as nft lists them.
func elements(networks []netip.Prefix) (v4, v6 string) {
	var lists [2][]string
	for _, p := range networks {
		text := p.String()
		if p.IsSingleIP() {
			text = p.Addr().String()
		}
		family := 0
		if p.Addr().Is6() {
			family = 1
		}
		lists[family] = append(lists[family], text)
	}
	return strings.Join(lists[0], ", "), strings.Join(lists[1], ", ")
}
