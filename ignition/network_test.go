package ignition

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
)

// networks are the ways in which a machine may be wired.
func networks() map[string]Network {
	base := Network{Address: "192.168.1.11/24", Gateway: "192.168.1.1", DNS: []string{"192.168.1.1", "9.9.9.9"}}
	with := func(change func(*Network)) Network {
		n := base
		change(&n)
		return n
	}
	names, macs := []string{"eno1", "eno2"}, []string{"52:54:00:00:00:11", "52:54:00:00:00:12"}
	return map[string]Network{
		"interface":    with(func(n *Network) { n.Interface = "eno1" }),
		"mac":          with(func(n *Network) { n.MAC = macs[0] }),
		"bond":         with(func(n *Network) { n.Bond, n.BondMode = names, "802.3ad" }),
		"bond-by-mac":  with(func(n *Network) { n.Bond, n.BondMode = macs, "active-backup" }),
		"vlan":         with(func(n *Network) { n.Interface, n.VLAN = "eno1", 20 }),
		"vlan-by-mac":  with(func(n *Network) { n.MAC, n.VLAN = macs[0], 20 }),
		"vlan-on-bond": with(func(n *Network) { n.Bond, n.BondMode, n.VLAN = names, "active-backup", 20 }),
		"six":          {Address: "fd00::11/64", Gateway: "fd00::1", DNS: []string{"fd00::1"}, Interface: "eno1"},
	}
}

// built are the files of a network for one daemon.
func built(t *testing.T, n Network, daemon cluster.NetworkDaemon) []File {
	t.Helper()
	b := &builder{}
	if daemon == cluster.Networkd {
		b.networkd(n)
	} else {
		b.networkManager(n)
	}
	if b.err != nil {
		t.Fatal(b.err)
	}
	return b.m.Files
}

// Every way of wiring in every form that a system reads.
func TestNetworkForms(t *testing.T) {
	for name, n := range networks() {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			section := func(title string, text []byte) { fmt.Fprintf(&out, "== %s\n%s", title, text) }
			for _, daemon := range []cluster.NetworkDaemon{cluster.Networkd, cluster.NetworkManager} {
				for _, f := range built(t, n, daemon) {
					section(fmt.Sprintf("%s %04o", f.Path, f.Mode), f.Content)
				}
			}
			cloud, err := n.cloud()
			if err != nil {
				t.Fatal(err)
			}
			section("network-config", cloud)
			data, err := n.openstack()
			if err != nil || !json.Valid(data) {
				t.Fatal(err)
			}
			section("network_data.json", data)
			section("kernel", []byte(strings.Join(n.KernelArgs("cp1"), "\n")+"\n"))
			golden(t, "network/"+name, []byte(out.String()))
		})
	}
}

// A card by a pattern, or the only one there is, has no place on a config
// drive, and is left open on the kernel's command line.
func TestNetworkWithoutACard(t *testing.T) {
	for _, name := range []string{"", "en*"} {
		n := Network{Address: "10.0.0.2/8", Interface: name}
		if _, err := n.openstack(); err == nil || !strings.Contains(err.Error(), "media: nocloud") {
			t.Errorf("%q: got %v", name, err)
		}
		if got := n.KernelArgs("w1"); !slices.Equal(got, []string{"ip=10.0.0.2:::255.0.0.0:w1::none"}) {
			t.Errorf("%q: got %q", name, got)
		}
	}
}
