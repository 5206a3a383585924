package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/lab"
)

// adoptableOS is what the machines have that the lab sets up as an owner would.
const adoptableOS = "debian"

// adoptable are machines of --adopt NAME=IP/LENGTH: no nodes yet, because
// nobody knows the host keys that they are about to make.
func adoptable(c *cluster.Cluster, flags []string, gateway netip.Prefix) ([]lab.Machine, error) {
	var machines []lab.Machine
	for _, text := range flags {
		name, address, ok := strings.Cut(text, "=")
		prefix, err := netip.ParsePrefix(address)
		if !ok || err != nil {
			return nil, fmt.Errorf("--adopt: %q is not a machine; write NAME=IP/LENGTH, such as old=10.88.0.20/24", text)
		}
		if _, taken := c.Node(name); taken {
			return nil, fmt.Errorf("--adopt: %s is a node already: kbm lab up %s starts its machine", name, name)
		}
		system, _ := cluster.FindOS(adoptableOS)
		owner, err := ownerOf(c, system.User, gateway)
		if err != nil {
			return nil, fmt.Errorf("--adopt: %w", err)
		}
		machines = append(machines, lab.Machine{Name: name, Address: prefix, Owner: owner})
	}
	return machines, nil
}

// ownerOf trusts the people that the cluster's nodes trust.
func ownerOf(c *cluster.Cluster, user string, gateway netip.Prefix) (*lab.Owner, error) {
	if len(c.SSH.AuthorizedKeys) == 0 {
		return nil, errors.New("cluster.yaml has no ssh.authorizedKeys, and a machine without kbm's medium trusts nobody else: write your public key there")
	}
	return &lab.Owner{User: user, Keys: c.SSH.AuthorizedKeys, Gateway: gateway.Addr()}, nil
}

// adoptedMachine is the machine of a node that keeps its own system.
func adoptedMachine(c *cluster.Cluster, n *cluster.Node, gateway netip.Prefix) (lab.Machine, error) {
	access := c.SSHOf(n)
	owner, err := ownerOf(c, access.User, gateway)
	if err != nil {
		return lab.Machine{}, fmt.Errorf("%s was adopted: %w", n.Name, err)
	}
	return lab.Machine{
		Name: n.Name, Address: netip.PrefixFrom(n.IP(), gateway.Bits()), SSHPort: uint16(access.Port),
		Interface: n.Interface, MAC: n.MAC, Owner: owner,
	}, nil
}

// sayAdoptable tells the host keys of machines that made their own: what a
// person would read on their consoles.
func (a *app) sayAdoptable(l lab.Lab, c *cluster.Cluster, machines []lab.Machine) error {
	for _, m := range machines {
		if m.Owner == nil {
			continue
		}
		keys, err := l.HostKeys(m.Name)
		if err != nil {
			return err
		}
		prints, err := fingerprints(keys)
		if err != nil {
			return fmt.Errorf("host keys of %s: %w", m.Name, err)
		}
		n, adopted := c.Node(m.Name)
		switch {
		case !adopted:
			a.say("%s runs a system of its own, where %s may log in. To adopt it:", m.Name, m.Owner.User)
			a.say("  kbm %sadd-node %s --role worker --address %s --os %s --host-key %s", a.dirFlag(), m.Name, m.Address.Addr(), adoptableOS, prints[0])
		case !slices.Contains(prints, n.SSH.HostKey):
			a.note("the host key of %s is %s, and %s has another: write it to ssh.hostKey if this machine is the right one", m.Name, prints[0], cluster.NodeFile(m.Name))
		}
	}
	return nil
}

func fingerprints(keys []byte) ([]string, error) {
	var prints []string
	for line := range bytes.Lines(keys) {
		key, _, _, _, err := ssh.ParseAuthorizedKey(line)
		if err != nil {
			return nil, err
		}
		prints = append(prints, ssh.FingerprintSHA256(key))
	}
	return prints, nil
}
