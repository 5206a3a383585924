package lab

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestForNamesTheFolder(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "My Cluster!")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(root, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	l, err := forIn("/state", dir)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(l.ID, "my-cluster-") || l.StateDir != "/state/"+l.ID {
		t.Errorf("got %+v", l)
	}
	if other, _ := forIn("/state", link); other != l {
		t.Errorf("another way to the folder gives another lab: %s, %s", other.ID, l.ID)
	}
	if other, _ := forIn("/state", root); other.ID == l.ID {
		t.Error("two folders share a lab")
	}
}

// Names of namespaces become file names, names of ports have 15 characters.
func TestNamesFit(t *testing.T) {
	l, err := forIn("/state", "/"+strings.Repeat("x", 200))
	if err != nil {
		t.Fatal(err)
	}
	longest := strings.Repeat("n", 63)
	if n := len(l.machineNetns(longest)); n > 255 {
		t.Errorf("namespace of %d characters", n)
	}
	one, other := portName(longest), portName(longest[:62]+"m")
	if len(one) > maxInterfaceName || one == other {
		t.Errorf("ports %q and %q", one, other)
	}
	if portName("cp1") != "cp1" {
		t.Errorf("port of cp1 is %q", portName("cp1"))
	}
}

func TestSpecFaults(t *testing.T) {
	machine := func(change func(*Machine)) Machine {
		m := Machine{Name: "m1", Address: netip.MustParsePrefix("10.88.0.11/24"), ISO: "m1.iso"}
		change(&m)
		return m
	}
	same := func(*Machine) {}
	tests := map[string]struct {
		machines []Machine
		want     string
	}{
		"good":             {[]Machine{machine(same)}, ""},
		"name":             {[]Machine{machine(func(m *Machine) { m.Name = "../m1" })}, `machine name "../m1"`},
		"other network":    {[]Machine{machine(func(m *Machine) { m.Address = netip.MustParsePrefix("10.89.0.11/24") })}, "not in the lab's network 10.88.0.0/24"},
		"gateway's":        {[]Machine{machine(func(m *Machine) { m.Address = netip.MustParsePrefix("10.88.0.1/24") })}, "already that of the gateway"},
		"twice":            {[]Machine{machine(same), machine(func(m *Machine) { m.Name = "m2" })}, "address 10.88.0.11 of machine m2 is already that of machine m1"},
		"interface":        {[]Machine{machine(func(m *Machine) { m.Interface = "sixteencharacter" })}, "at most 15"},
		"MAC":              {[]Machine{machine(func(m *Machine) { m.MAC = "aa:bb" })}, "MAC of machine m1"},
		"all are reported": {[]Machine{machine(func(m *Machine) { m.Name, m.MAC = "M", "x" })}, "MAC of machine M"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			spec := Spec{Gateway: netip.MustParsePrefix("10.88.0.1/24"), Machines: test.machines, Ignition: os.Args[0]}
			_, err := spec.complete("lab-1")
			if test.want == "" && err != nil {
				t.Error(err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestSpecDefaults(t *testing.T) {
	spec := Spec{
		Gateway:  netip.MustParsePrefix("10.88.0.1/24"),
		Machines: []Machine{{Name: "m1", Address: netip.MustParsePrefix("10.88.0.11/24")}},
		Ignition: os.Args[0],
	}
	done, err := spec.complete("lab-1")
	if err != nil {
		t.Fatal(err)
	}
	m := done.Machines[0]
	if m.Interface != "eth0" || m.sshAddress() != "10.88.0.11:22" || m.MAC != macOf("lab-1", "m1") {
		t.Errorf("got %+v", m)
	}
	if spec.Machines[0].MAC != "" {
		t.Error("the caller's spec was changed")
	}
}
