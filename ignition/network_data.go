package ignition

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// networkData is OpenStack's network_data.json, as cloud-init reads it from a
// config drive (cloudinit/sources/helpers/openstack.py, convert_net_json).
type networkData struct {
	Links    []dataLink    `json:"links"`
	Networks []dataNetwork `json:"networks"`
	Services []dataService `json:"services"`
}

type dataLink struct {
	ID    string   `json:"id"`
	Type  string   `json:"type"`
	Name  string   `json:"name,omitempty"` // cloud-init's own; without it, the MAC address tells
	MAC   string   `json:"ethernet_mac_address,omitempty"`
	Ports []string `json:"bond_links,omitempty"`
	Mode  string   `json:"bond_mode,omitempty"`
	// Interval between looks at the link, in milliseconds.
	Interval int `json:"bond_miimon,omitempty"`
	*dataVLAN
}

type dataVLAN struct {
	Link string `json:"vlan_link"`
	ID   int    `json:"vlan_id"`
	// MAC must be there, and may be null.
	MAC *string `json:"vlan_mac_address"`
}

type dataNetwork struct {
	ID      string      `json:"id"`
	Link    string      `json:"link"`
	Type    string      `json:"type"` // ipv4 or ipv6
	Address string      `json:"ip_address"`
	Netmask string      `json:"netmask"`
	Routes  []dataRoute `json:"routes"`
}

type dataRoute struct {
	Network string `json:"network"`
	Netmask string `json:"netmask"`
	Gateway string `json:"gateway"`
}

type dataService struct {
	Type    string `json:"type"`
	Address string `json:"address"`
}

// openstack gives the network in OpenStack's form. That has no word for "the
// only card".
func (n Network) openstack() ([]byte, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	if !n.namesCard() {
		return nil, errors.New("a config drive carries an address for a card that is named only: write interface or mac for the node, or media: nocloud")
	}
	prefix := netip.MustParsePrefix(n.Address)
	d := networkData{Networks: []dataNetwork{}, Services: []dataService{}}
	top := "card0"
	if len(n.Bond) > 0 {
		bond := dataLink{ID: bondName, Type: "bond", Name: bondName, Mode: n.BondMode, Interval: 100}
		for i, port := range n.Bond {
			bond.Ports = append(bond.Ports, d.card(i, port, n.bondByMAC()))
		}
		d.Links = append(d.Links, bond)
		top = bondName
	} else if n.MAC != "" {
		d.card(0, n.MAC, true)
	} else {
		d.card(0, n.Interface, false)
	}
	if n.VLAN != 0 {
		vlan := dataVLAN{Link: top, ID: n.VLAN}
		if n.MAC != "" {
			vlan.MAC = &n.MAC
		}
		top = n.vlanName()
		d.Links = append(d.Links, dataLink{ID: top, Type: "vlan", Name: top, dataVLAN: &vlan})
	}
	own := dataNetwork{ID: "lan", Link: top, Type: "ipv4", Address: prefix.Addr().String(), Netmask: netmask(prefix), Routes: []dataRoute{}}
	if prefix.Addr().Is6() {
		own.Type = "ipv6"
	}
	if n.Gateway != "" {
		everywhere := netip.MustParsePrefix(n.everywhere())
		own.Routes = append(own.Routes, dataRoute{Network: everywhere.Addr().String(), Netmask: netmask(everywhere), Gateway: n.Gateway})
	}
	d.Networks = append(d.Networks, own)
	for _, server := range n.DNS {
		d.Services = append(d.Services, dataService{Type: "dns", Address: server})
	}
	out, err := json.MarshalIndent(d, "", "  ")
	return append(out, '\n'), err
}

// card adds a piece of hardware and returns its identifier.
func (d *networkData) card(i int, which string, byMAC bool) string {
	link := dataLink{ID: fmt.Sprintf("card%d", i), Type: "phy"}
	if byMAC {
		link.MAC = which
	} else {
		link.Name = which
	}
	d.Links = append(d.Links, link)
	return link.ID
}

// namesCard tells whether it says which card is meant, and not with a pattern.
func (n Network) namesCard() bool {
	return len(n.Bond) > 0 || n.MAC != "" || n.Interface != "" && !strings.ContainsAny(n.Interface, "*?")
}

// netmask is the length of a prefix in the old spelling, 255.255.255.0 or ffff:….
func netmask(p netip.Prefix) string {
	bits := make([]byte, p.Addr().BitLen()/8)
	for i := range p.Bits() {
		bits[i/8] |= 1 << (7 - i%8)
	}
	mask, _ := netip.AddrFromSlice(bits) // it has the length of an address
	return mask.String()
}
