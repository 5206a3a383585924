package provision

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
)

// madeByCluster are interfaces that come with pods or containers, not with the
// machine.
var madeByCluster = regexp.MustCompile(`^(lo$|cni|flannel|kube-|veth|docker|br-|virbr|cali|nodelocaldns)`)

func checkAddress(_ *cluster.Cluster, n PreflightNode) []Problem {
	var have []string
	for _, a := range n.Facts.Addresses {
		if a.Addr() == n.Node.IP() {
			return nil
		}
		if !madeByCluster.MatchString(a.Interface) && !a.Addr().IsLinkLocalUnicast() {
			have = append(have, a.Addr().String())
		}
	}
	return []Problem{{
		What: fmt.Sprintf("the spec's address %s is not on it; it has %s", n.Node.IP(), strings.Join(have, ", ")),
		Cure: "correct the address in nodes/" + n.Node.Name + ".yaml (ssh.host is for an address that only SSH uses)",
	}}
}

// checkNetworks finds LANs of the machine where pods or services shall be.
func checkNetworks(c *cluster.Cluster, n PreflightNode) (found []Problem) {
	nets := []struct{ field, cidr string }{
		{"network.podCIDR", c.Network.PodCIDR}, {"network.serviceCIDR", c.Network.ServiceCIDR},
	}
	for _, own := range nets {
		cidr, err := netip.ParsePrefix(own.cidr)
		if err != nil {
			continue
		}
		if at := overlap(n.Facts, cidr); at != "" {
			found = append(found, Problem{
				What: fmt.Sprintf("its network %s overlaps %s %s", at, own.field, cidr),
				Cure: "choose another range for " + own.field + " in cluster.yaml",
			})
		}
	}
	return found
}

func overlap(f Facts, cidr netip.Prefix) string {
	for _, a := range f.Addresses {
		if !madeByCluster.MatchString(a.Interface) && a.Masked().Overlaps(cidr) {
			return a.Masked().String() + " on " + a.Interface
		}
	}
	// Once kbm has been there, routes into the ranges are the cluster's own.
	// A wider route does no harm, and one for the very range was made for it.
	if len(f.Inventory.Paths) > 0 {
		return ""
	}
	for _, r := range f.Routes {
		if !madeByCluster.MatchString(r.Interface) && r.Destination.Bits() > cidr.Bits() && cidr.Contains(r.Destination.Addr()) {
			return r.Destination.String() + " on " + r.Interface
		}
	}
	return ""
}

// port is one that a unit, or a pod that the unit starts, listens on.
type port struct {
	number         uint16
	unit           string
	controllerOnly bool
}

func neededPorts(c *cluster.Cluster) []port {
	return []port{
		{2379, "etcd.service", true},
		{2380, "etcd.service", true},
		{2381, "etcd.service", true},
		{10248, kubeletUnit, false},
		{10250, kubeletUnit, false},
		{uint16(c.APIServerPort()), kubeletUnit, true},
		{10257, kubeletUnit, true},
		{10259, kubeletUnit, true},
	}
}

// checkPorts finds what sits on the ports of a node that is about to be made.
// Where kbm has been before, pods outlive a kubelet that is down: then the
// ports may well be theirs.
func checkPorts(c *cluster.Cluster, n PreflightNode) []Problem {
	if len(n.Facts.Inventory.Paths) > 0 {
		return nil
	}
	var taken []string
	for _, p := range neededPorts(c) {
		if p.controllerOnly && n.Node.Role != cluster.Controller || n.Facts.Units[p.unit].Running() {
			continue
		}
		if slices.ContainsFunc(n.Facts.Listening, func(a netip.AddrPort) bool { return a.Port() == p.number }) {
			taken = append(taken, fmt.Sprint(p.number))
		}
	}
	if len(taken) == 0 {
		return nil
	}
	return []Problem{{
		What: "something else listens on port " + strings.Join(taken, ", "),
		Cure: "find it with `ss -ltnp` and stop it, or reset the machine if another Kubernetes was on it",
	}}
}

// checkTwins finds machines that were cloned without being told apart. Host
// names need no check: kbm sets them.
func checkTwins(nodes []PreflightNode) (found []Problem) {
	ids, macs := map[string][]string{}, map[string][]string{}
	for _, n := range nodes {
		ids[n.Facts.MachineID] = append(ids[n.Facts.MachineID], n.Node.Name)
		own := map[string]bool{}
		for name, mac := range n.Facts.MACs {
			if !madeByCluster.MatchString(name) && strings.Trim(mac, "0:") != "" {
				own[mac] = true
			}
		}
		for mac := range own {
			macs[mac] = append(macs[mac], n.Node.Name)
		}
	}
	found = append(found, twins(ids, "machine-id", "remove /etc/machine-id there and boot again")...)
	return append(found, twins(macs, "MAC address", "give each machine a MAC address of its own")...)
}

func twins(owners map[string][]string, what, cure string) (found []Problem) {
	for _, value := range slices.Sorted(maps.Keys(owners)) {
		names := owners[value]
		if value == "" || len(names) < 2 {
			continue
		}
		for _, name := range names[1:] {
			found = append(found, Problem{
				Node: name, What: fmt.Sprintf("it has the %s of %s (%s)", what, names[0], value), Cure: cure,
			})
		}
	}
	return found
}
