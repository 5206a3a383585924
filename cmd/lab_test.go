package cmd

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/lab"
)

func TestLabGateway(t *testing.T) {
	node := func(name, address, gateway string) cluster.Node {
		return cluster.Node{Name: name, Address: address, Gateway: gateway}
	}
	tests := map[string]struct {
		vip   string
		nodes []cluster.Node
		want  string
		fault string
	}{
		"the nodes' own":    {nodes: []cluster.Node{node("a", "10.88.0.11/24", ""), node("b", "10.88.0.12/24", "10.88.0.1")}, want: "10.88.0.1/24"},
		"the highest free":  {nodes: []cluster.Node{node("a", "10.88.0.254/24", "")}, want: "10.88.0.253/24"},
		"not the VIP":       {vip: "10.88.0.254", nodes: []cluster.Node{node("a", "10.88.0.11/24", "")}, want: "10.88.0.253/24"},
		"small network":     {nodes: []cluster.Node{node("a", "10.88.0.9/29", "")}, want: "10.88.0.14/29"},
		"IPv6":              {nodes: []cluster.Node{node("a", "fd00::1/64", "")}, want: "fd00::ffff:ffff:ffff:fffe/64"},
		"two gateways":      {nodes: []cluster.Node{node("a", "10.88.0.11/24", "10.88.0.1"), node("b", "10.88.0.12/24", "10.88.0.2")}, fault: "one network and one gateway"},
		"DHCP only":         {nodes: []cluster.Node{node("a", "10.88.0.11", "")}, fault: "no node has an address with a length"},
		"no address to use": {nodes: []cluster.Node{node("a", "10.88.0.8/32", "")}, fault: "no free address"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := labGateway(&cluster.Cluster{Endpoint: cluster.Endpoint{VIP: test.vip}, Nodes: test.nodes})
			switch {
			case test.fault != "":
				if err == nil || !strings.Contains(err.Error(), test.fault) {
					t.Errorf("got %v, %v; want %q", got, err, test.fault)
				}
			case err != nil || got.String() != test.want:
				t.Errorf("got %v, %v; want %s", got, err, test.want)
			}
		})
	}
}

// A machine without a medium, or without a fixed address, cannot start.
func TestLabMachineFaults(t *testing.T) {
	c := &cluster.Cluster{Dir: "/c"}
	for fault, n := range map[string]cluster.Node{
		"trusts nobody": {Name: "a", Address: "10.88.0.11/24", SSH: cluster.NodeSSH{HostKey: "SHA256:x"}},
		"10.88.0.11/24": {Name: "a", Address: "10.88.0.11"},
		"reads an ISO":  {Name: "a", Address: "10.88.0.11/24", Media: "qemu-fw-cfg"},
		"has a mac":     {Name: "a", Address: "10.88.0.11/24", OS: "debian", MAC: "52:54:00:00:00:01"},
		"a bond":        {Name: "a", Address: "10.88.0.11/24", Interface: "eth0", VLAN: 20},
	} {
		if _, err := labMachine(c, &n, lab.Spec{}); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("got %v, want %q", err, fault)
		}
	}
	m, err := labMachine(c, &cluster.Node{Name: "a", Address: "10.88.0.11/24", MAC: "52:54:00:00:00:01"}, lab.Spec{})
	if err != nil || m.ISO != "/c/build/a/a.iso" || m.MAC != "52:54:00:00:00:01" || m.CloudInit {
		t.Errorf("got %+v, %v", m, err)
	}
	m, err = labMachine(c, &cluster.Node{Name: "a", Address: "10.88.0.11/24", OS: "debian"}, lab.Spec{})
	if err != nil || m.ISO != "/c/build/a/a.iso" || !m.CloudInit || m.Owner != nil {
		t.Errorf("debian: got %+v, %v", m, err)
	}
}

// An adopted machine needs no medium, and its owner is whom the cluster trusts.
func TestLabMachineOfAnOwner(t *testing.T) {
	gateway := netip.MustParsePrefix("10.88.0.1/24")
	c := &cluster.Cluster{Dir: "/c", SSH: cluster.SSH{AuthorizedKeys: []string{"ssh-ed25519 AAAA anna"}}}
	n := cluster.Node{Name: "a", Address: "10.88.0.11", OS: "debian", SSH: cluster.NodeSSH{HostKey: "SHA256:x", Port: 2222}}
	m, err := labMachine(c, &n, lab.Spec{Gateway: gateway})
	if err != nil || m.ISO != "" || m.Owner == nil || m.Owner.User != "debian" || m.Address.String() != "10.88.0.11/24" || m.SSHPort != 2222 {
		t.Errorf("got %+v, %v", m, err)
	}
	c.Nodes = []cluster.Node{n}
	for flag, fault := range map[string]string{"b": "write NAME=IP/LENGTH", "b=10.88.0.12": "write NAME=IP/LENGTH", "a=10.88.0.12/24": "a is a node already"} {
		if _, err := adoptable(c, []string{flag}, gateway); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("--adopt %s: got %v, want %q", flag, err, fault)
		}
	}
}

// Virtual machines have firmware and CD-ROMs, and the others neither.
func TestLabMachineOfADriver(t *testing.T) {
	c := &cluster.Cluster{Dir: "/c"}
	virtual := lab.Spec{VM: &lab.VM{}}
	m, err := labMachine(c, &cluster.Node{Name: "a", Address: "10.88.0.11/24", OS: "fcos", Media: "qemu-fw-cfg"}, virtual)
	if err != nil || m.Firmware != "/c/build/a/config.ign" || m.ISO != "" {
		t.Errorf("got %+v, %v", m, err)
	}
	m, err = labMachine(c, &cluster.Node{Name: "a", Address: "10.88.0.11/24", OS: "debian", MAC: "52:54:00:00:00:01"}, virtual)
	if err != nil || m.ISO != "/c/build/a/a.iso" || m.Firmware != "" || m.MAC != "52:54:00:00:00:01" {
		t.Errorf("got %+v, %v", m, err)
	}
	for fault, n := range map[string]cluster.Node{
		"there is no medium": {Name: "a", Address: "10.88.0.11/24", SSH: cluster.NodeSSH{HostKey: "SHA256:x"}},
		"reads an ISO":       {Name: "a", Address: "10.88.0.11/24", Media: "vmware"},
		"write media:":       {Name: "a", Address: "10.88.0.11/24", Media: "ignition-file"},
	} {
		if _, err := labMachine(c, &n, virtual); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("got %v, want %q", err, fault)
		}
	}
}

// A lab has one driver, and keeps what was said of it.
func TestLabDriverIsChosen(t *testing.T) {
	none, virtual := lab.Lab{StateDir: t.TempDir()}, lab.Lab{StateDir: t.TempDir()}
	record := `{"gateway":"10.88.0.1/24","vm":{"image":"/i","memory":1024,"cpus":1,"disk":5}}`
	if err := os.WriteFile(filepath.Join(virtual.StateDir, "lab.json"), []byte(record), 0o600); err != nil {
		t.Fatal(err)
	}
	vm, err := vmFlags{driver: "qemu", image: "/j", cpus: 4}.choose(none)
	if want := (lab.VM{Image: "/j", Memory: 2048, CPUs: 4, Disk: 20}); err != nil || *vm != want {
		t.Errorf("got %+v, %v", vm, err)
	}
	vm, err = vmFlags{cpus: 2}.choose(virtual)
	if want := (lab.VM{Image: "/i", Memory: 1024, CPUs: 2, Disk: 5}); err != nil || *vm != want {
		t.Errorf("got %+v, %v", vm, err)
	}
	if vm, err = (vmFlags{}).choose(none); vm != nil || err != nil {
		t.Errorf("got %+v, %v", vm, err)
	}
	if _, err := (vmFlags{driver: "nspawn"}).choose(virtual); err == nil || !strings.Contains(err.Error(), "run with qemu") {
		t.Errorf("got %v", err)
	}
}

func TestLabStatusShowsAbsentNodes(t *testing.T) {
	c := &cluster.Cluster{Nodes: []cluster.Node{{Name: "a", Address: "10.88.0.11/24"}, {Name: "b", Address: "10.88.0.12/24"}}}
	got := withAbsent([]lab.MachineStatus{{Name: "a", State: lab.Running}}, c)
	if len(got) != 2 || got[1].Name != "b" || got[1].State != lab.Absent || got[1].Address != "10.88.0.12" {
		t.Errorf("got %+v", got)
	}
}

// The bundle's kubectl comes before the computer's.
func TestFindProgram(t *testing.T) {
	dir := t.TempDir()
	own := filepath.Join(dir, "sh")
	if err := os.WriteFile(own, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"sh": own, "/bin/sh": "/bin/sh"} {
		if got, err := findProgram(name, dir); err != nil || got != want {
			t.Errorf("%s: got %s, %v", name, got, err)
		}
	}
	if _, err := findProgram("no-such-program", dir); err == nil {
		t.Error("no error for a program that is not there")
	}
}
