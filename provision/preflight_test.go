package provision

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
)

// sound is a controller that nothing is wrong with.
func sound(name, ip string) PreflightNode {
	return PreflightNode{
		Node: &cluster.Node{Name: name, Role: cluster.Controller, Address: ip},
		Facts: Facts{
			Arch: "x86_64", Kernel: "6.1.0-18-amd64", Systemd: true, CPUs: 4, Memory: 8 << 30, Cgroup: 2,
			MachineID: name, MACs: map[string]string{"lo": "00:00:00:00:00:00", "eth0": "52:54:00:00:00:" + ip[len(ip)-2:]},
			Addresses: []Address{{"lo", netip.MustParsePrefix("127.0.0.1/8")}, {"eth0", netip.MustParsePrefix(ip + "/24")}},
			Routes:    []Route{{"eth0", netip.MustParsePrefix("0.0.0.0/0")}, {"eth0", netip.MustParsePrefix("192.168.1.0/24")}},
			Disks:     map[string]Disk{stateDir: {"/var", 1 << 30}, "/var": {"/var", 1 << 30}, "/opt/bin": {"/", 1 << 30}, imageFolder: {"/var", 1 << 30}},
		},
	}
}

func TestPreflight(t *testing.T) {
	c := &cluster.Cluster{Network: cluster.Network{PodCIDR: "10.244.0.0/16", ServiceCIDR: "10.96.0.0/12"}}
	c.Security.Firewall = &cluster.Firewall{Roles: []cluster.Role{cluster.Edge}}
	if found := Preflight(c, "amd64", []PreflightNode{sound("cp1", "192.168.1.11"), sound("cp2", "192.168.1.12")}); len(found) > 0 {
		t.Fatalf("sound machines: %v", found)
	}
	image := item{path: imageFolder + "/coredns.tar", artefact: &ignition.Artefact{Size: 400 << 20}}
	cases := []struct {
		name    string
		spoil   func(*PreflightNode)
		want    string
		warning bool
	}{
		{"clock behind", func(n *PreflightNode) { n.Facts.ClockOffset = -time.Hour }, "1h0m0s behind", false},
		{"clock within the round trip", func(n *PreflightNode) { n.Facts.ClockOffset, n.Facts.ClockError = 3*time.Minute, 2*time.Minute }, "", false},
		{"address", func(n *PreflightNode) { n.Node.Address = "192.168.1.99" }, "192.168.1.99 is not on it; it has 192.168.1.12", false},
		{"architecture", func(n *PreflightNode) { n.Facts.Arch = "aarch64" }, "aarch64", false},
		{"swap", func(n *PreflightNode) { n.Facts.Swap = []string{"/dev/sda2"} }, "/dev/sda2", false},
		{"little memory", func(n *PreflightNode) { n.Facts.Memory = 512 << 20 }, "512 MiB", false},
		{"some memory", func(n *PreflightNode) { n.Facts.Memory = 1500 << 20 }, "1500 MiB", true},
		{"one CPU", func(n *PreflightNode) { n.Facts.CPUs = 1 }, "1 CPU", true},
		{"old kernel", func(n *PreflightNode) { n.Facts.Kernel = "5.10.0-8-amd64" }, "5.13", false},
		{"no systemd", func(n *PreflightNode) { n.Facts.Systemd = false }, "systemd", false},
		{"no flock", func(n *PreflightNode) { n.Facts.Missing = []string{"flock", "nft"} }, "no flock", false},
		{"no nft for a firewall", func(n *PreflightNode) { n.Node.Role, n.Facts.Missing = cluster.Edge, []string{"nft"} }, "no nft", false},
		{"a firewall that leaves SSH open", func(n *PreflightNode) {
			n.Node.Role, n.Plan.Changes = cluster.Edge, []Change{{Action: Create, Object: ignition.FirewallWanted}}
		}, "SSH open to everybody", true},
		{"cgroup v1", func(n *PreflightNode) { n.Facts.Cgroup = 1 }, "cgroup v1", false},
		{"machine-id", func(n *PreflightNode) { n.Facts.MachineID = "cp1" }, "machine-id of cp1", false},
		{"MAC", func(n *PreflightNode) { n.Facts.MACs["eth0"] = "52:54:00:00:00:11" }, "MAC address of cp1", false},
		{"port", func(n *PreflightNode) {
			n.Facts.Listening = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:2379")}
		}, "port 2379", false},
		{"port of our own etcd", func(n *PreflightNode) {
			n.Facts.Listening = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:2379")}
			n.Facts.Units = map[string]UnitState{"etcd.service": {Active: "active"}}
		}, "", false},
		{"LAN in the pod range", func(n *PreflightNode) {
			n.Facts.Addresses = append(n.Facts.Addresses, Address{"eth1", netip.MustParsePrefix("10.244.7.1/24")})
		}, "10.244.7.0/24 on eth1 overlaps network.podCIDR", false},
		{"route in the service range", func(n *PreflightNode) {
			n.Facts.Routes = append(n.Facts.Routes, Route{"eth0", netip.MustParsePrefix("10.100.0.0/16")})
		}, "10.100.0.0/16 on eth0 overlaps network.serviceCIDR", false},
		{"pods' own network", func(n *PreflightNode) {
			n.Facts.Addresses = append(n.Facts.Addresses, Address{"cni0", netip.MustParsePrefix("10.244.1.1/24")})
		}, "", false},
		{"disk", func(n *PreflightNode) { n.Plan.artefacts = []item{image} }, "1264 MiB are needed on /var, and 1024 MiB are free", false},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			n := sound("cp2", "192.168.1.12")
			test.spoil(&n)
			found := Preflight(c, "amd64", []PreflightNode{sound("cp1", "192.168.1.11"), n})
			if test.want == "" {
				if len(found) > 0 {
					t.Errorf("got %v", found)
				}
				return
			}
			if len(found) != 1 || found[0].Node != "cp2" || found[0].Warning != test.warning ||
				!strings.Contains(found[0].What, test.want) || found[0].Cure == "" {
				t.Errorf("got %v", found)
			}
		})
	}
	t.Run("all at once", func(t *testing.T) {
		a, b := sound("cp1", "192.168.1.11"), sound("cp2", "192.168.1.12")
		a.Facts.Swap, b.Facts.Systemd, b.Facts.Arch = []string{"/swap"}, false, "riscv64"
		found := Preflight(c, "amd64", []PreflightNode{a, b})
		var names []string
		for _, p := range found {
			names = append(names, p.Node)
		}
		if !slices.Equal(names, []string{"cp1", "cp2", "cp2"}) {
			t.Errorf("got %v", found)
		}
	})
}
