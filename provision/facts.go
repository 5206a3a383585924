package provision

import (
	"net/netip"
	"time"

	"github.com/kbm-dev/kbm/internal/remote"
)

// stateDir is where kbm keeps what it has to remember on a machine.
const stateDir = "/var/lib/kbm"

// Facts is what a machine says about itself, all from one round trip.
type Facts struct {
	Node      string
	OS        map[string]string // os-release: ID, VERSION_ID, PRETTY_NAME, …
	Kernel    string            // 6.1.0-18-amd64
	Arch      string            // as uname says: x86_64, aarch64
	Hostname  string
	MachineID string
	BootID    string
	CPUs      int
	Memory    int64    // bytes
	Swap      []string // swap devices in use
	Cgroup    int      // 1 or 2
	CgroupV1  bool     // a drop-in of the owner tells the kubelet to put up with version 1
	Systemd   bool     // it is what booted the machine
	Missing   []string // tools that kbm needs and that are not there
	MACs      map[string]string
	Addresses []Address
	Routes    []Route
	Listening []netip.AddrPort
	Disks     map[string]Disk // by the folder that was asked about

	// ClockOffset is how far the machine's clock is ahead of this computer's,
	// known to plus or minus ClockError, half of the round trip.
	ClockOffset, ClockError time.Duration

	Inventory Inventory
	// Pending are units whose restart an interrupted run still owes.
	Pending []string
	// Incoming is how many bytes of an artefact, by sha256, have been received
	// already; Arrived are those that are whole and verified.
	Incoming map[string]int64
	Arrived  map[string]bool

	Paths map[string]Entry
	Units map[string]UnitState
}

// Entry is what is found at a path, as lstat tells it.
type Entry struct {
	Type         EntryType
	Mode         uint32 // permission bits, setuid, setgid and sticky included
	Owner, Group string
	Size         int64  // bytes
	SHA256       string // hex, of regular files
	Target       string // of links
}

// EntryType is the kind of thing at a path.
type EntryType string

// The kinds of things that kbm puts on a machine; anything else is Other.
const (
	RegularFile  EntryType = "file"
	Directory    EntryType = "directory"
	SymbolicLink EntryType = "link"
	Other        EntryType = "special file"
)

// UnitState is what systemd knows of a unit.
type UnitState struct {
	Load, Active, Sub, Enabled string
	NeedReload                 bool
}

// Running reports whether the unit is up or on its way. A unit that waits for
// its next automatic restart is not: it has just failed.
func (u UnitState) Running() bool {
	switch u.Active {
	case "active", "reloading":
		return true
	case "activating":
		return u.Sub != "auto-restart"
	}
	return false
}

// Address is an address of the machine, with the length of its network.
type Address struct {
	Interface string
	netip.Prefix
}

// Route is a row of the machine's IPv4 routing table.
type Route struct {
	Interface   string
	Destination netip.Prefix
}

// Disk is the file system that a folder is on, or would be.
type Disk struct {
	Mount string
	Free  int64 // bytes that root may use
}

// Inventory lists what kbm has put on a machine, so that what the spec no
// longer has can be removed. It is written before anything else is.
type Inventory struct {
	// Paths have the units that a change of the path restarts.
	Paths map[string][]string `json:"paths"`
}

func quote(s string) string { return remote.Quote(s) }
