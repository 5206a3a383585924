package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/lab"
)

// labSpec says what the lab is to make of the cluster's nodes. The returned
// function removes what was made for the time of the command.
func (a *app) labSpec(ctx context.Context, c *cluster.Cluster, vm *lab.VM, names []string, o labOptions, report lab.Progress) (spec lab.Spec, cleanUp func() error, err error) {
	cleanUp = func() error { return nil }
	spec.Gateway, err = labGateway(c)
	if err != nil {
		return spec, cleanUp, usageError(err)
	}
	if spec.Machines, err = adoptable(c, o.adopt, spec.Gateway); err != nil {
		return spec, cleanUp, usageError(err)
	}
	if spec.VM = vm; vm == nil {
		if spec.Ignition, spec.Stock, err = a.labBundle(ctx, c, o.stocked); err != nil {
			return spec, cleanUp, err
		}
	}
	for _, name := range names {
		n, _ := c.Node(name)
		m, err := labMachine(c, n, spec)
		if err != nil {
			return spec, cleanUp, usageError(err)
		}
		spec.Machines = append(spec.Machines, m)
	}
	if len(c.Secrets.Recipients) > 0 {
		if cleanUp, err = a.plainMedia(ctx, spec.Machines); err != nil {
			return spec, cleanUp, err
		}
	}
	for _, m := range spec.Machines {
		if _, err := os.Stat(cmp.Or(m.Firmware, m.ISO)); err != nil && m.Owner == nil {
			return spec, cleanUp, usageError(fmt.Errorf("the medium of %s: %w: kbm %srender %s makes it", m.Name, err, a.dirFlag(), m.Name))
		}
	}
	return spec, cleanUp, labBases(ctx, &spec, report)
}

// labBases makes only the base systems that are needed.
func labBases(ctx context.Context, spec *lab.Spec, report lab.Progress) (err error) {
	if spec.Driver() == lab.QEMU {
		return nil
	}
	cloud := func(m lab.Machine) bool { return m.CloudInit }
	if slices.ContainsFunc(spec.Machines, cloud) {
		if spec.CloudBase, err = lab.EnsureCloudBase(ctx, lab.DefaultCacheDir, report); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(spec.Machines, func(m lab.Machine) bool { return !m.CloudInit }) {
		return nil
	}
	spec.Base, err = lab.EnsureBase(ctx, lab.DefaultCacheDir, report)
	return err
}

// labBundle gives what the lab has of the bundle: the path of the ignition
// program, and the stock if there shall be one.
func (a *app) labBundle(ctx context.Context, c *cluster.Cluster, stocked bool) (program string, stock *lab.Stock, err error) {
	b, err := (&session{app: a, cluster: c}).openBundle(nodeArch)
	if err != nil {
		return "", nil, err
	}
	if stocked {
		found, err := a.findStock(b)
		if err != nil {
			return "", nil, err
		}
		stock = &found
	}
	artefact, ok := b.Find("ignition")
	if !ok {
		return "", nil, usageError(fmt.Errorf("the bundle in %s has no ignition, which the lab's machines read their media with: kbm bundle build lab", b.Dir()))
	}
	return b.File(artefact), stock, b.Check(ctx, artefact.Name)
}

func labMachine(c *cluster.Cluster, n *cluster.Node, spec lab.Spec) (lab.Machine, error) {
	virtual := spec.Driver() == lab.QEMU
	if adopted(n) && !virtual {
		return adoptedMachine(c, n, spec.Gateway)
	}
	address, fixed := n.Prefix()
	target, err := ignition.FindTarget(c.MediaOf(n))
	switch {
	case err != nil:
		return lab.Machine{}, err
	case adopted(n):
		return lab.Machine{}, fmt.Errorf("%s has ssh.hostKey: it was adopted, so there is no medium to start a virtual machine from", n.Name)
	case target.Output != ignition.ISO && (target.Name != firmwareTarget || !virtual):
		return lab.Machine{}, fmt.Errorf("%s has media: %s, and a machine of the lab reads an ISO: write media: %s, and render%s", n.Name, target.Name, c.OSOf(n).Media, orVirtual(target))
	case len(n.Bond.Interfaces) > 0 || n.VLAN != 0:
		return lab.Machine{}, fmt.Errorf("%s has a bond or a VLAN, and a machine of the lab has one plain card: write interface or mac instead, and render", n.Name)
	case target.Format == cluster.CloudConfig && n.MAC != "" && !virtual:
		return lab.Machine{}, fmt.Errorf("%s has a mac, and the lab's virtual cards lack the permanent address that netplan compares it with: write interface: eth0 instead, and render", n.Name)
	case !fixed:
		return lab.Machine{}, fmt.Errorf("%s has the address %s without a length, to be set by DHCP, and there is none in the lab: write %s/24 for example, and render", n.Name, n.Address, n.Address)
	}
	m := lab.Machine{
		Name: n.Name, Address: address, SSHPort: uint16(c.SSHOf(n).Port),
		Interface: n.Interface, MAC: n.MAC, CloudInit: target.Format == cluster.CloudConfig,
	}
	medium := filepath.Join(c.Dir, buildDir, n.Name, target.MainFile(n.Name))
	if target.Output == ignition.ISO {
		m.ISO = medium
	} else {
		m.Firmware = medium
	}
	return m, nil
}

// labGateway gives the outside machine the address that the nodes send to what
// is not in their network. Where they name none, it takes the highest address
// that is free.
func labGateway(c *cluster.Cluster) (netip.Prefix, error) {
	var lan, gateway netip.Prefix
	taken := map[string]bool{c.Endpoint.VIP: true, c.Endpoint.Host: true}
	for i := range c.Nodes {
		n := &c.Nodes[i]
		address, fixed := n.Prefix()
		if !fixed {
			continue
		}
		taken[address.Addr().String()] = true
		lan = address.Masked()
		if n.Gateway == "" {
			continue
		}
		ip, err := netip.ParseAddr(n.Gateway)
		if err != nil {
			return gateway, fmt.Errorf("%s: gateway %q: %w", n.Name, n.Gateway, err)
		}
		own := netip.PrefixFrom(ip, address.Bits())
		if gateway.IsValid() && own != gateway {
			return gateway, fmt.Errorf("%s has the gateway %s, and another node has %s: a lab has one network and one gateway", n.Name, own, gateway)
		}
		gateway = own
	}
	if gateway.IsValid() {
		return gateway, nil
	}
	if !lan.IsValid() {
		return gateway, errors.New("no node has an address with a length, such as 10.88.0.11/24: the lab does not know its network")
	}
	for ip := lastAddress(lan).Prev(); lan.Contains(ip); ip = ip.Prev() {
		if !taken[ip.String()] {
			return netip.PrefixFrom(ip, lan.Bits()), nil
		}
	}
	return gateway, fmt.Errorf("the network %s has no free address for the lab's own end", lan)
}

// lastAddress is the one with all host bits set: the broadcast address in IPv4.
func lastAddress(lan netip.Prefix) netip.Addr {
	bytes := lan.Masked().Addr().AsSlice()
	for bit := lan.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}

// plainMedia renders media that lie encrypted in the cluster's folder into a
// folder of their own, for as long as machines are being started.
func (a *app) plainMedia(ctx context.Context, machines []lab.Machine) (remove func() error, err error) {
	dir, err := os.MkdirTemp("", "kbm-media-")
	if err != nil {
		return func() error { return nil }, err
	}
	remove = func() error { return os.RemoveAll(dir) }
	silent := *a
	silent.quiet, silent.output = true, outputText
	for i := range machines {
		m := &machines[i]
		if m.Owner != nil {
			continue
		}
		medium := &m.ISO
		if m.Firmware != "" {
			medium = &m.Firmware
		}
		*medium = filepath.Join(dir, m.Name+filepath.Ext(*medium))
		if err := silent.renderOut(ctx, []string{m.Name}, outOptions{file: *medium}); err != nil {
			return func() error { return nil }, errors.Join(err, remove())
		}
	}
	return remove, nil
}
