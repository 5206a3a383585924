package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

const (
	bridgeName = "br0"
	procSys    = "/proc/sys"
)

// outsideSysctls make the outside machine a router without an uplink: what a
// machine sends to the world is answered at once with "unreachable". Silence
// would look like a hang instead.
func outsideSysctls() map[string]string {
	return map[string]string{
		"net/ipv4/ip_forward":          "1",
		"net/ipv6/conf/all/forwarding": "1",
	}
}

// machineSysctls are the ones that a machine cannot count on setting itself,
// because they belong to its network namespace and not to its /proc.
// Duplicate address detection costs seconds and finds nothing in a lab.
func machineSysctls() map[string]string {
	return map[string]string{
		"net/ipv4/ip_forward":                 "1",
		"net/bridge/bridge-nf-call-iptables":  "1",
		"net/bridge/bridge-nf-call-ip6tables": "1",
		"net/ipv6/conf/all/accept_dad":        "0",
		"net/ipv6/conf/default/accept_dad":    "0",
	}
}

// ensureOutside makes the namespace of the bridge, or completes what an
// interrupted run left of it.
func (l Lab) ensureOutside(gateway netip.Prefix) error {
	name := l.outsideNetns()
	if !netnsAlive(name) {
		if err := makeNetns(name); err != nil {
			return err
		}
	}
	return l.withOutside(func(h *netlink.Handle) error {
		bridge := &netlink.Bridge{LinkAttrs: linkAttrs(bridgeName)}
		if err := h.LinkAdd(bridge); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("make bridge in %s: %w", name, err)
		}
		for _, link := range []string{"lo", bridgeName} {
			if err := setUp(h, link); err != nil {
				return fmt.Errorf("bring up %s in %s: %w", link, name, err)
			}
		}
		if err := l.setGateway(h, gateway); err != nil {
			return err
		}
		return writeSysctls(name, outsideSysctls())
	})
}

// setGateway leaves exactly one address of the family on the bridge: an
// earlier one would still be answered after an edit of the spec.
func (l Lab) setGateway(h *netlink.Handle, gateway netip.Prefix) error {
	bridge, err := h.LinkByName(bridgeName)
	if err != nil {
		return fmt.Errorf("bridge in %s: %w", l.outsideNetns(), err)
	}
	want := &netlink.Addr{IPNet: &net.IPNet{
		IP:   gateway.Addr().AsSlice(),
		Mask: net.CIDRMask(gateway.Bits(), gateway.Addr().BitLen()),
	}}
	family := netlink.FAMILY_V4
	if gateway.Addr().Is6() {
		family = netlink.FAMILY_V6
	}
	have, err := h.AddrList(bridge, family)
	if err != nil {
		return fmt.Errorf("addresses of the bridge in %s: %w", l.outsideNetns(), err)
	}
	for i := range have {
		if !have[i].Equal(*want) && !have[i].IP.IsLinkLocalUnicast() {
			if err := h.AddrDel(bridge, &have[i]); err != nil {
				return fmt.Errorf("remove address %s from the bridge in %s: %w", have[i].IPNet, l.outsideNetns(), err)
			}
		}
	}
	if err := h.AddrReplace(bridge, want); err != nil {
		return fmt.Errorf("set address %s on the bridge in %s: %w", gateway, l.outsideNetns(), err)
	}
	return nil
}

// plug gives a machine a fresh network namespace with one unconfigured card,
// cabled to the bridge.
func (l Lab) plug(m Machine) error {
	if err := l.unplug(m.Name); err != nil {
		return err
	}
	name := l.machineNetns(m.Name)
	if err := makeNetns(name); err != nil {
		return err
	}
	mac, err := net.ParseMAC(m.MAC)
	if err != nil {
		return fmt.Errorf("MAC of machine %s: %w", m.Name, err)
	}
	inside, err := netns.GetFromName(name)
	if err != nil {
		return fmt.Errorf("network namespace %s: %w", name, err)
	}
	err = l.withOutside(func(h *netlink.Handle) error {
		bridge, err := h.LinkByName(bridgeName)
		if err != nil {
			return fmt.Errorf("bridge of %s: %w", l.ID, err)
		}
		port := &netlink.Veth{
			LinkAttrs:        linkAttrs(portName(m.Name)),
			PeerName:         m.Interface,
			PeerHardwareAddr: mac,
			PeerNamespace:    netlink.NsFd(int(inside)),
		}
		port.MasterIndex = bridge.Attrs().Index
		if err := h.LinkAdd(port); err != nil {
			return fmt.Errorf("plug in machine %s: %w", m.Name, err)
		}
		return setUp(h, port.Name)
	})
	if err := errors.Join(err, inside.Close()); err != nil {
		return err
	}
	return writeSysctls(name, machineSysctls())
}

// unplug removes a machine's namespace and its end of the cable. The latter
// does not go by itself while some process still holds the namespace.
func (l Lab) unplug(machine string) error {
	if netnsAlive(l.outsideNetns()) {
		err := l.withOutside(func(h *netlink.Handle) error {
			port, err := h.LinkByName(portName(machine))
			if errors.As(err, new(netlink.LinkNotFoundError)) {
				return nil
			}
			if err != nil {
				return err
			}
			return h.LinkDel(port)
		})
		if err != nil {
			return fmt.Errorf("unplug machine %s: %w", machine, err)
		}
	}
	return removeNetns(l.machineNetns(machine))
}

func (l Lab) withOutside(f func(*netlink.Handle) error) error {
	ns, err := netns.GetFromName(l.outsideNetns())
	if err != nil {
		return fmt.Errorf("network namespace %s: %w", l.outsideNetns(), err)
	}
	h, err := netlink.NewHandleAt(ns)
	if err != nil {
		return errors.Join(fmt.Errorf("network namespace %s: %w", l.outsideNetns(), err), ns.Close())
	}
	defer h.Close()
	return errors.Join(f(h), ns.Close())
}

func linkAttrs(name string) netlink.LinkAttrs {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	return attrs
}

func setUp(h *netlink.Handle, name string) error {
	link, err := h.LinkByName(name)
	if err != nil {
		return err
	}
	return h.LinkSetUp(link)
}

// writeSysctls sets what exists: a kernel without IPv6 or br_netfilter has
// fewer files, and needs fewer.
func writeSysctls(netnsName string, sysctls map[string]string) error {
	return inNetns(netnsName, func() error {
		for key, value := range sysctls {
			err := os.WriteFile(filepath.Join(procSys, key), []byte(value), 0)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("set %s in %s: %w", strings.ReplaceAll(key, "/", "."), netnsName, err)
			}
		}
		return nil
	})
}
