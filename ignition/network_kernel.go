package ignition

import (
	"fmt"
	"net/netip"
	"strings"
)

// KernelArgs bring a machine's static address up in its initrd, for readers
// that need the network before they have read anything: dracut.cmdline(7), which
// systemd-network-generator and NetworkManager's initrd generator follow.
func (n Network) KernelArgs(hostname string) []string {
	prefix, err := netip.ParsePrefix(n.Address)
	if err != nil {
		return nil
	}
	var args []string
	card := func(i int, mac string) string {
		args = append(args, "ifname="+cardName(i)+":"+strings.ToLower(mac))
		return cardName(i)
	}
	name := n.Interface
	switch {
	case len(n.Bond) > 0:
		ports := append([]string{}, n.Bond...)
		if n.bondByMAC() {
			for i, mac := range n.Bond {
				ports[i] = card(i, mac)
			}
		}
		name = bondName
		args = append(args, fmt.Sprintf("bond=%s:%s:mode=%s,miimon=100", name, strings.Join(ports, ","), n.BondMode))
	case n.MAC != "":
		name = card(0, n.MAC)
	case strings.ContainsAny(name, "*?"):
		name = "" // the argument knows no patterns
	}
	if n.VLAN != 0 {
		args = append(args, fmt.Sprintf("vlan=%s:%s", n.vlanName(), name))
		name = n.vlanName()
	}
	address, mask := prefix.Addr().String(), netmask(prefix)
	gateway := n.Gateway
	if prefix.Addr().Is6() {
		address, mask = "["+address+"]", fmt.Sprint(prefix.Bits())
		if gateway != "" {
			gateway = "[" + gateway + "]"
		}
	}
	args = append(args, fmt.Sprintf("ip=%s::%s:%s:%s:%s:none", address, gateway, mask, hostname, name))
	for _, server := range n.DNS {
		args = append(args, "nameserver="+server)
	}
	return args
}
