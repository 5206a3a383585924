package ignition

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
)

// stickNodes are two machines known by a card and one by its number, each with
// a secret of its own.
func stickNodes() []StickNode {
	var nodes []StickNode
	for i, keys := range [][]string{{"52:54:00:00:00:11"}, {"52:54:00:00:00:12", "serial:Z9"}, {"serial:7CN4X3J"}} {
		m := sample()
		// No system has this user yet.
		m.Files[5].Owner, m.Files[5].Group, m.Dirs = "", "", m.Dirs[:1]
		m.Name = fmt.Sprintf("w%d", i+1)
		m.Hostname, m.Network = m.Name, nil
		m.Files[0].Content = []byte(m.Name + "\n")
		m.Files[1].Content = []byte("-----BEGIN OPENSSH PRIVATE KEY-----\nhost-secret of " + m.Name + "\n-----END OPENSSH PRIVATE KEY-----\n")
		nodes = append(nodes, StickNode{Machine: m, Keys: keys})
	}
	return nodes
}

// stick makes one of those nodes for a target.
func stick(t *testing.T, target, os string, nodes []StickNode) ([]byte, error) {
	t.Helper()
	row, err := FindTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	for i := range nodes {
		nodes[i].OS = system(t, os)
	}
	return new(Renderer).Stick(&cluster.Cluster{Name: "home"}, row, nodes, Base)
}

// What is on a stick is found again: each machine, and what it is known by.
func TestStickIsFoundAgain(t *testing.T) {
	for _, target := range Targets() {
		if !target.Stick {
			continue
		}
		nodes := stickNodes()
		image, err := stick(t, target.Name, target.OSes[0], nodes)
		if err != nil {
			t.Fatal(err)
		}
		again, err := stick(t, target.Name, target.OSes[0], nodes)
		if err != nil || !bytes.Equal(image, again) {
			t.Errorf("%s: a second time gives other bytes (%v)", target.Name, err)
		}
		found, err := inspectBytes(image)
		if err != nil || !slices.Equal(found.Targets, []string{target.Name}) || len(found.Machines) != len(nodes) {
			t.Fatalf("found %+v, %v", found, err)
		}
		for i, m := range found.Machines {
			if m.Node != nodes[i].Machine.Name || !slices.Equal(m.Keys, nodes[i].Keys) || m.ClusterSecrets || len(m.Secrets) != 1 {
				t.Errorf("found %+v", m)
			}
		}
		_, files, err := ReadISO(bytes.NewReader(image))
		if err != nil {
			t.Fatal(err)
		}
		script := stickLine.ReplaceAll(files[target.Paths[0]], []byte("$1 $2 CONFIG"))
		golden(t, "stick/"+target.Name, script)
		check := exec.CommandContext(t.Context(), "sh", "-n")
		check.Stdin = bytes.NewReader(files[target.Paths[0]])
		if said, err := check.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, said)
		}
	}
}

// The network comes up before the script runs: what a stick cannot carry so is
// refused, with the way out.
func TestStickRefuses(t *testing.T) {
	change := func(f func(*StickNode)) []StickNode {
		nodes := stickNodes()
		f(&nodes[0])
		return nodes
	}
	fixed := func(n Network) []StickNode {
		n.Address = "10.0.0.11/24"
		return change(func(s *StickNode) { s.Machine.Network = &n })
	}
	const mac = "52:54:00:00:00:11"
	for want, nodes := range map[string][]StickNode{
		"neither bonds nor VLANs":            fixed(Network{Bond: []string{mac, "52:54:00:00:00:13"}, BondMode: "802.3ad"}),
		"neither bonds nor VLANs; render":    fixed(Network{MAC: mac, VLAN: 20}),
		"write mac in the place":             fixed(Network{Interface: "eno1"}),
		"node w3: beside machines":           fixed(Network{MAC: mac}),
		"w1: a stick knows a machine by mac": change(func(s *StickNode) { s.Keys = nil }),
	} {
		if _, err := stick(t, "nocloud", "debian", nodes); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	for _, target := range []string{"openstack", "ignition-file"} {
		if _, err := stick(t, target, "flatcar", stickNodes()); err == nil || !strings.Contains(err.Error(), "cannot choose") {
			t.Errorf("%s: got %v", target, err)
		}
	}
	if _, err := stick(t, "nocloud", "flatcar", stickNodes()); err == nil || !strings.Contains(err.Error(), "Ignition reads no NoCloud seed") {
		t.Errorf("got %v", err)
	}
	// With coreos-cloudinit, the network is a part of each configuration.
	if _, err := stick(t, "coreos-cloudinit", "flatcar", fixed(Network{Interface: "eno1", VLAN: 20})); err != nil {
		t.Error(err)
	}
}

func TestStickKeys(t *testing.T) {
	for want, n := range map[string]cluster.Node{
		"":                                    {Interface: "eno1", Bond: cluster.Bond{Interfaces: []string{"eno1", "eno2"}}},
		"52:54:00:00:00:aa":                   {MAC: "52-54-00-00-00-AA"},
		"serial:VMware-564d":                  {Serial: "VMware-56 4d"},
		"52:54:00:00:00:aa 52:54:00:00:00:bb": {Bond: cluster.Bond{Interfaces: []string{"52:54:00:00:00:AA", "52:54:00:00:00:BB"}}},
	} {
		if got := strings.Join(StickKeys(&n), " "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
