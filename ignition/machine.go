// Package ignition holds the Machine, a plain value that lists everything kbm
// puts on a node, and turns it into what a node reads at its first boot:
// Ignition or cloud-config, on a medium.
package ignition

import "io/fs"

// Stage says when a part of a Machine reaches the node.
type Stage int

const (
	// Base parts are on the medium: what a node needs to be reached and trusted.
	Base Stage = iota
	// Joined parts are delivered over SSH by `kbm up`, and are on the medium
	// only when secrets are embedded.
	Joined
)

// Machine is everything that kbm puts on one node. It is a pure function of
// the cluster, the node, the PKI and the bundle, and it is delivered in two
// ways: on a medium at first boot, and over SSH ever after.
type Machine struct {
	Name     string
	Hostname string
	Users    []User
	Dirs     []Dir
	Files    []File
	Links    []Link
	Units    []Unit
	// Network is set for a machine with a static address. The parts above
	// configure it already; a reader that sets up the network before it writes
	// files (cloud-init) needs it apart.
	Network *Network
}

// User is a login on the machine.
type User struct {
	Name           string
	AuthorizedKeys []string
}

// Dir is a directory that must exist with this mode and owner.
type Dir struct {
	Path  string
	Mode  fs.FileMode
	Owner string // user name, root unless set
	Group string // group name, root unless set
	Stage Stage
}

// File is one file. Its content is either Content or an artefact of the bundle.
type File struct {
	Path    string
	Mode    fs.FileMode
	Owner   string // user name, root unless set
	Group   string // group name, root unless set
	Content []byte
	// Artefact is set for what is too big to carry in memory.
	Artefact *Artefact
	// Secret content is never shown in a diff, a log or an error.
	Secret bool
	Stage  Stage
	// Restarts names the units that must be restarted when the file changes.
	Restarts []string
	// Until is a path on the node: once it exists, the file has served its
	// purpose, and another content is no drift.
	Until string
}

// Artefact points to a file of the bundle.
type Artefact struct {
	Name   string
	SHA256 string // hex
	Size   int64  // bytes
	// URL is where the machine gets it by itself; empty where kbm sends it.
	URL string
	// Member is its path in the .tar.gz at URL; empty where that is the file.
	Member string
}

// Link is a symbolic link.
type Link struct {
	Path   string
	Target string
	Stage  Stage
}

// Network is a machine's own static address.
type Network struct {
	Address string // IP/len
	Gateway string // IP, or empty
	DNS     []string
	// Interface or MAC chooses the card; without both it is the only one, or the
	// bond.
	Interface string
	MAC       string
	// Bond are the cards, all by name or all by MAC, that are joined into one.
	Bond     []string
	BondMode string
	// VLAN is the tag of the network that the address is in; 0 for none.
	VLAN int
}

// Unit is a systemd unit that kbm writes, or, with no content, one of the
// operating system's that it enables.
type Unit struct {
	Name    string
	Content string
	Enabled bool
	// Started units must be running after `kbm up`; a unit that is down is
	// started again.
	Started bool
	Stage   Stage
	// Restarts names further units to restart when this one changes.
	Restarts []string
}
