package lab

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
)

// Machine is one machine of a lab, as it stands in the rack: a network card, a
// place on the network that its medium is expected to configure, and a medium.
type Machine struct {
	Name string `json:"name"`
	// Address is where the machine is expected to answer once it has read its
	// medium. The lab itself does not configure it.
	Address netip.Prefix `json:"address"`
	// SSHPort is where sshd is expected, 22 unless set.
	SSHPort uint16 `json:"sshPort,omitempty"`
	// Interface is the name of the network card, eth0 unless set.
	Interface string `json:"interface,omitempty"`
	// MAC is made from the names of the lab and the machine unless set.
	MAC string `json:"mac,omitempty"`
	// ISO is the path of the medium that the first boot reads.
	ISO string `json:"iso,omitempty"`
	// Firmware is the path of a config for Ignition that the machine finds in its
	// firmware. Only virtual machines have one that can be written to.
	Firmware string `json:"firmware,omitempty"`
	// CloudInit machines read it with cloud-init, all others with Ignition.
	CloudInit bool `json:"cloudInit,omitempty"`
	// Owner is set for a machine that needs no medium.
	Owner *Owner `json:"owner,omitempty"`
}

// Spec is what Up makes.
type Spec struct {
	// Gateway is the address of the outside machine, with the length of the
	// network that all machines are in.
	Gateway  netip.Prefix
	Machines []Machine
	// Ignition is the path of the ignition program that a first boot runs.
	Ignition string
	// Base is the root file system that EnsureBase built.
	Base string
	// CloudBase is that of EnsureCloudBase; only machines with cloud-init need it.
	CloudBase string
	// Stock is what machines with a new disk begin with; nil for nothing. Only
	// containers can.
	Stock *Stock
	// VM is set for virtual machines, which bring their system and read their
	// media themselves.
	VM *VM
}

var machineName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// maxInterfaceName is IFNAMSIZ less the final zero.
const maxInterfaceName = 15

// complete checks a spec and fills in what was left out. It reports every
// fault at once.
func (s Spec) complete(id string) (Spec, error) {
	var faults []error
	if !s.Gateway.IsValid() {
		faults = append(faults, errors.New("the lab's gateway has no address: want one like 10.88.0.1/24"))
	}
	taken := map[string]string{s.Gateway.Addr().String(): "the gateway"}
	claim := func(what, value, by string) {
		if other, dup := taken[value]; dup {
			faults = append(faults, fmt.Errorf("%s %s of %s is already that of %s: give each machine its own", what, value, by, other))
		}
		taken[value] = by
	}
	if _, err := os.Stat(s.Ignition); err != nil && s.Driver() == Nspawn {
		faults = append(faults, fmt.Errorf("the ignition program, which reads the media: %w", err))
	}
	s.Machines = slices.Clone(s.Machines)
	for i := range s.Machines {
		m := &s.Machines[i]
		m.complete(id)
		if !machineName.MatchString(m.Name) {
			faults = append(faults, fmt.Errorf("machine name %q: want lower case letters, digits and -, at most 63", m.Name))
		}
		claim("name", m.Name, "machine "+m.Name)
		if m.Address.Masked() != s.Gateway.Masked() {
			faults = append(faults, fmt.Errorf("address %s of machine %s is not in the lab's network %s", m.Address, m.Name, s.Gateway.Masked()))
		}
		claim("address", m.Address.Addr().String(), "machine "+m.Name)
		if len(m.Interface) > maxInterfaceName {
			faults = append(faults, fmt.Errorf("interface %q of machine %s: a name has at most %d characters", m.Interface, m.Name, maxInterfaceName))
		}
		if _, err := net.ParseMAC(m.MAC); err != nil {
			faults = append(faults, fmt.Errorf("MAC of machine %s: %w", m.Name, err))
		}
		claim("MAC", m.MAC, "machine "+m.Name)
	}
	return s, errors.Join(faults...)
}

func (m *Machine) complete(id string) {
	if m.SSHPort == 0 {
		m.SSHPort = 22
	}
	if m.Interface == "" {
		m.Interface = "eth0"
	}
	if m.MAC == "" {
		m.MAC = macOf(id, m.Name)
	}
}

// macOf makes an address that stays the same over the machine's lives. The
// first byte marks it as unicast and locally administered.
func macOf(id, name string) string {
	sum := sha256.Sum256([]byte(id + "/" + name))
	return net.HardwareAddr{0x02, sum[0], sum[1], sum[2], sum[3], sum[4]}.String()
}

func (m Machine) sshAddress() string {
	return netip.AddrPortFrom(m.Address.Addr(), m.SSHPort).String()
}

// portName is the machine's end of the cable in the outside namespace.
func portName(machine string) string {
	if len(machine) <= maxInterfaceName {
		return machine
	}
	sum := sha256.Sum256([]byte(machine))
	return fmt.Sprintf("%s-%x", machine[:maxInterfaceName-7], sum[:3])
}
