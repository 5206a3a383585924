package cluster

import "slices"

// Format is what a machine reads at its first boot.
type Format string

// The formats that kbm writes.
const (
	Ignition    Format = "ignition"
	CloudConfig Format = "cloud-config"
)

// NetworkDaemon is the program that holds a machine's addresses.
type NetworkDaemon string

// The programs that kbm writes files for.
const (
	Networkd       NetworkDaemon = "systemd-networkd"
	NetworkManager NetworkDaemon = "NetworkManager"
)

// OS is one operating system that kbm can set up.
type OS struct {
	Name string
	// User is the login that the system's own images have.
	User string
	// BinDir can be written and executed from: /usr is read-only on Flatcar.
	BinDir string
	Format Format
	// Variant and VariantVersion choose Butane's dialect, for Ignition only.
	Variant, VariantVersion string
	// ResolvConf is the kubelet's, where the system's own /etc/resolv.conf
	// leads to a stub that pods cannot reach.
	ResolvConf string
	// Network is what configures a static address from the files that kbm
	// writes. Empty: cloud-init does, from the medium.
	Network NetworkDaemon
}

// resolved is where systemd-resolved lists the real resolvers.
const resolved = "/run/systemd/resolve/resolv.conf"

// DefaultOS is used where neither the cluster nor the node names one.
const DefaultOS = "flatcar"

// OSes lists every operating system that kbm knows, sorted by name. Adding one
// is one row.
func OSes() []OS {
	return []OS{
		{Name: "debian", User: "debian", BinDir: "/usr/local/bin", Format: CloudConfig},
		{Name: "fcos", User: "core", BinDir: "/usr/local/bin", Format: Ignition, Variant: "fcos", VariantVersion: "1.5.0", ResolvConf: resolved, Network: NetworkManager},
		{Name: "flatcar", User: "core", BinDir: "/opt/bin", Format: Ignition, Variant: "flatcar", VariantVersion: "1.1.0", ResolvConf: resolved, Network: Networkd},
		{Name: "ubuntu", User: "ubuntu", BinDir: "/usr/local/bin", Format: CloudConfig, ResolvConf: resolved},
	}
}

// FindOS returns a row of the table.
func FindOS(name string) (OS, bool) {
	all := OSes()
	i := slices.IndexFunc(all, func(o OS) bool { return o.Name == name })
	if i < 0 {
		return OS{}, false
	}
	return all[i], true
}

// Media lists the media that a machine may be started from.
func Media() []string { return []string{"cidata", "config-2"} }

// OSNames lists the names of the table.
func OSNames() []string {
	names := []string{}
	for _, o := range OSes() {
		names = append(names, o.Name)
	}
	return names
}
