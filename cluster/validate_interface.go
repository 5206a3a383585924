package cluster

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
)

// interfaceName is what the kernel takes (15 bytes, no slash), with the
// wildcards of systemd-networkd.
var interfaceName = regexp.MustCompile(`^[a-zA-Z0-9*?][a-zA-Z0-9_.*?:-]{0,14}$`)

// serialNumber is printable, and has no comma: lists of keys are divided by one.
var serialNumber = regexp.MustCompile(`^[!-+\--~][ -+\--~]{0,63}$`)

// BondModes lists the ways in which a bond may share its interfaces, the
// default first: the kernel's, Documentation/networking/bonding.rst.
func BondModes() []string {
	return []string{DefaultBondMode, "802.3ad", "balance-rr", "balance-xor", "broadcast", "balance-tlb", "balance-alb"}
}

// maxVLAN: 0 and 4095 are reserved (IEEE 802.1Q).
const maxVLAN = 4094

// checkNodeInterfaces checks which hardware has the node's address; fixed addresses
// are those that kbm configures.
func checkNodeInterfaces(k checker, n *Node, fixed bool) {
	if n.Interface != "" && !interfaceName.MatchString(n.Interface) {
		k.add("interface", n.Interface, "is not the name of an interface", "write one such as eno1, up to 15 characters")
	}
	if n.MAC != "" {
		checkMAC(k, "mac", n.MAC)
	}
	if n.Interface != "" && n.MAC != "" {
		k.add("interface", n.Interface, "stands beside mac", "keep one of the two")
	}
	if n.Serial != "" && !serialNumber.MatchString(n.Serial) {
		k.add("serial", n.Serial, "is not a serial number", "write what dmidecode -s system-serial-number prints on the machine")
	}
	checkBond(k, n, fixed)
	if n.VLAN != 0 {
		checkVLAN(k, n, fixed)
	}
}

func checkMAC(k checker, path, text string) {
	const right = "write six pairs such as 52:54:00:12:34:56"
	mac, err := net.ParseMAC(text)
	switch {
	case err != nil || len(mac) != 6:
		k.add(path, text, "is not a MAC address", right)
	case mac[0]&1 == 1:
		k.add(path, text, "is a group's address, not a machine's", right)
	}
}

func checkBond(k checker, n *Node, fixed bool) {
	const right = "write two or more, such as [eno1, eno2]"
	b := n.Bond
	switch {
	case len(b.Interfaces) == 0 && b.Mode == "":
		return
	case len(b.Interfaces) == 0:
		k.missing("bond.interfaces", right)
	case len(b.Interfaces) == 1:
		k.add("bond.interfaces", b.Interfaces[0], "is alone", right+", or write it as interface")
	case !fixed:
		k.unused("bond.interfaces", strings.Join(b.Interfaces, ", "), n)
	case n.Interface != "":
		k.add("interface", n.Interface, "stands beside bond", "the bond has the address: write the interface under bond.interfaces")
	case n.MAC != "":
		k.add("mac", n.MAC, "stands beside bond", "the bond has the address: write the MAC address under bond.interfaces")
	}
	k.oneOf("bond.mode", b.Mode, BondModes())
	seen := map[string]bool{}
	for i, port := range b.Interfaces {
		at := fmt.Sprintf("bond.interfaces[%d]", i)
		switch byMAC := strings.Contains(port, ":"); {
		case byMAC:
			checkMAC(k, at, port)
		case !interfaceName.MatchString(port) || strings.ContainsAny(port, "*?"):
			k.add(at, port, "is not the name of an interface", "write one such as eno1, up to 15 characters")
		}
		if strings.Contains(port, ":") != strings.Contains(b.Interfaces[0], ":") {
			k.add(at, port, "is not named as the first one is", "name all by interface, or all by MAC address")
		}
		if seen[strings.ToLower(port)] {
			k.add(at, port, "is there twice", "keep one")
		}
		seen[strings.ToLower(port)] = true
	}
}

func checkVLAN(k checker, n *Node, fixed bool) {
	number := strconv.Itoa(n.VLAN)
	switch {
	case n.VLAN < 1 || n.VLAN > maxVLAN:
		k.add("vlan", number, "is not the number of a VLAN", fmt.Sprintf("write one from 1 to %d", maxVLAN))
	case !fixed:
		k.unused("vlan", number, n)
	case n.Interface == "" && n.MAC == "" && len(n.Bond.Interfaces) == 0, strings.ContainsAny(n.Interface, "*?"):
		k.add("vlan", number, "has no interface that it is on", "write interface, mac or bond too")
	}
}

// unused is a setting of an address that kbm does not configure.
func (k checker) unused(path, value string, n *Node) {
	k.add(path, value, "would not be used: address has no length, so DHCP configures the machine",
		"write address with its length, such as "+n.Address+"/24, or leave it out")
}
