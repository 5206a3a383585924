package cluster

import "slices"

// Format is what a machine reads at its first boot.
type Format string

// The formats that kbm writes.
const (
	Ignition    Format = "ignition"
	CloudConfig Format = "cloud-config"
	// CoreOSCloudConfig is the dialect of coreos-cloudinit, which knows few of
	// cloud-init's words.
	CoreOSCloudConfig Format = "coreos-cloud-config"
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
	// Media is the target that is used where nobody names one.
	Media string
	// Variant and VariantVersion choose Butane's dialect, for Ignition only.
	Variant, VariantVersion string
	// Network is what configures a static address from the files that kbm
	// writes. Empty: cloud-init does, from the medium.
	Network NetworkDaemon
}

// DefaultOS is used where neither the cluster nor the node names one.
const DefaultOS = "flatcar"

// OSes lists every operating system that kbm knows, sorted by name. Adding one
// is one row.
func OSes() []OS {
	return []OS{
		{Name: "debian", User: "debian", BinDir: "/usr/local/bin", Format: CloudConfig, Media: "nocloud"},
		{Name: "fcos", User: "core", BinDir: "/usr/local/bin", Format: Ignition, Media: "openstack", Variant: "fcos", VariantVersion: "1.5.0", Network: NetworkManager},
		{Name: "flatcar", User: "core", BinDir: "/opt/bin", Format: Ignition, Media: "openstack", Variant: "flatcar", VariantVersion: "1.1.0", Network: Networkd},
		{Name: "ubuntu", User: "ubuntu", BinDir: "/usr/local/bin", Format: CloudConfig, Media: "nocloud"},
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

// MediaTargets lists the ways in which a machine may get its configuration at
// its first boot. Package ignition has a row for each.
func MediaTargets() []string {
	return []string{
		"nocloud", "config-drive", "openstack", "proxmox", "qemu-fw-cfg", "vmware",
		"fcos-metal", "coreos-cloudinit", "ignition-file", "fcos-live-iso",
	}
}

// OSNames lists the names of the table.
func OSNames() []string {
	names := []string{}
	for _, o := range OSes() {
		names = append(names, o.Name)
	}
	return names
}
