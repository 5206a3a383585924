package ignition

import (
	"fmt"
	"net/netip"
)

// cloudNetwork is cloud-init's network configuration, version 2.
// https://docs.cloud-init.io/en/latest/reference/network-config-format-v2.html
type cloudNetwork struct {
	Version   int                    `yaml:"version"`
	Ethernets map[string]cloudDevice `yaml:"ethernets,omitempty"`
	Bonds     map[string]cloudDevice `yaml:"bonds,omitempty"`
	VLANs     map[string]cloudDevice `yaml:"vlans,omitempty"`
}

type cloudDevice struct {
	Match       map[string]string `yaml:"match,omitempty"`
	SetName     string            `yaml:"set-name,omitempty"`
	Interfaces  []string          `yaml:"interfaces,omitempty"`
	Parameters  *cloudBond        `yaml:"parameters,omitempty"`
	ID          int               `yaml:"id,omitempty"`
	Link        string            `yaml:"link,omitempty"`
	DHCP4       *bool             `yaml:"dhcp4,omitempty"`
	Addresses   []string          `yaml:"addresses,omitempty"`
	Routes      []cloudRoute      `yaml:"routes,omitempty"`
	Nameservers *cloudNameservers `yaml:"nameservers,omitempty"`
}

type cloudBond struct {
	Mode     string `yaml:"mode"`
	Interval int    `yaml:"mii-monitor-interval"` // in milliseconds
}

type cloudRoute struct {
	To  string `yaml:"to"`
	Via string `yaml:"via"`
}

type cloudNameservers struct {
	Addresses []string `yaml:"addresses"`
}

// cloud gives the network in cloud-init's version 2.
func (n Network) cloud() ([]byte, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	c := cloudNetwork{Version: 2, Ethernets: map[string]cloudDevice{}}
	address := n.cloudAddress()
	name := n.Interface
	switch {
	case len(n.Bond) > 0:
		var ports []string
		for i, port := range n.Bond {
			ports = append(ports, c.card(i, port, n.bondByMAC()))
		}
		name = bondName
		c.Bonds = map[string]cloudDevice{name: {Interfaces: ports, Parameters: &cloudBond{Mode: n.BondMode, Interval: 100}}}
	case n.VLAN != 0 && n.MAC != "":
		name = c.card(0, n.MAC, true)
	case n.VLAN != 0:
		name = c.card(0, n.Interface, false)
	case n.MAC != "":
		name, address.SetName, address.Match = cardName(0), cardName(0), map[string]string{"macaddress": n.MAC}
	case name == "":
		name, address.Match = "lan", map[string]string{"name": "e*"}
	}
	switch {
	case n.VLAN != 0:
		address.ID, address.Link = n.VLAN, name
		c.VLANs = map[string]cloudDevice{n.vlanName(): address}
	case len(n.Bond) > 0:
		bond := c.Bonds[name]
		address.Interfaces, address.Parameters = bond.Interfaces, bond.Parameters
		c.Bonds[name] = address
	default:
		c.Ethernets[name] = address
	}
	return toYAML("", c)
}

// card adds one that has no address of its own, and returns its name. One that
// is known by its MAC address is given a name: not every renderer of
// cloud-init's finds it by the other.
func (c *cloudNetwork) card(i int, which string, byMAC bool) string {
	card := cloudDevice{DHCP4: new(false)}
	if byMAC {
		card.Match, card.SetName = map[string]string{"macaddress": which}, cardName(i)
		which = card.SetName
	}
	c.Ethernets[which] = card
	return which
}

// cardName is what kbm calls a card that is known by its MAC address only.
func cardName(i int) string { return fmt.Sprintf("lan%d", i) }

func (n Network) cloudAddress() cloudDevice {
	device := cloudDevice{Addresses: []string{n.Address}}
	if n.Gateway != "" {
		device.Routes = []cloudRoute{{To: n.everywhere(), Via: n.Gateway}}
	}
	if len(n.DNS) > 0 {
		device.Nameservers = &cloudNameservers{Addresses: n.DNS}
	}
	return device
}

// everywhere is the range of the default route. Older releases of cloud-init do
// not know the word "default".
func (n Network) everywhere() string {
	if gateway, err := netip.ParseAddr(n.Gateway); err == nil && gateway.Is6() {
		return "::/0"
	}
	return "0.0.0.0/0"
}

func (n Network) check() error {
	if _, err := netip.ParsePrefix(n.Address); err != nil {
		return fmt.Errorf("address %q: an IP address and its prefix length, such as 192.168.1.11/24", n.Address)
	}
	if n.Gateway == "" {
		return nil
	}
	if _, err := netip.ParseAddr(n.Gateway); err != nil {
		return fmt.Errorf("gateway %q: an IP address", n.Gateway)
	}
	return nil
}
