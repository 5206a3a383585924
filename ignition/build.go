package ignition

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/pki"
	"github.com/kbm-dev/kbm/templates"
)

// Input is everything that a Machine is made from.
type Input struct {
	Cluster *cluster.Cluster
	Node    *cluster.Node
	PKI     *pki.Set
	// Bundle names the binaries and images. Without it the Machine holds its
	// Base parts only: that is enough for a medium.
	Bundle *bundle.Manifest
}

// Build lists everything that kbm puts on one node. It reads nothing but its
// input and gives the same Machine for the same input.
func Build(in Input) (Machine, error) {
	b := newBuilder(in)
	b.base()
	if in.Bundle != nil {
		b.joined()
		b.firewall()
		if in.Node.Role == cluster.Controller {
			b.controller()
		}
	}
	if b.err != nil {
		return Machine{}, fmt.Errorf("node %s: %w", in.Node.Name, b.err)
	}
	slices.SortFunc(b.m.Files, func(x, y File) int { return strings.Compare(x.Path, y.Path) })
	return b.m, nil
}

// builder collects the parts of one Machine and keeps the first error, so that
// the lists of files read as lists.
type builder struct {
	in   Input
	os   cluster.OS
	addr netip.Addr
	keys pki.NodeSet
	data map[string]any
	m    Machine
	err  error
}

func newBuilder(in Input) *builder {
	b := &builder{in: in, os: in.Cluster.OSOf(in.Node), addr: in.Node.IP(), keys: in.PKI.Node(in.Node.Name)}
	b.m = Machine{Name: in.Node.Name, Hostname: in.Node.Name}
	b.data = map[string]any{
		"Name":          in.Node.Name,
		"Address":       b.addr.String(),
		"AddressURL":    hostInURL(b.addr),
		"BinDir":        b.os.BinDir,
		"ClusterName":   in.Cluster.Name,
		"ClusterDomain": in.Cluster.Network.Domain,
		"Controller":    in.Node.Role == cluster.Controller,
	}
	return b
}

// with returns the builder's template data with more keys.
func (b *builder) with(more map[string]any) map[string]any {
	data := make(map[string]any, len(b.data)+len(more))
	for k, v := range b.data {
		data[k] = v
	}
	for k, v := range more {
		data[k] = v
	}
	return data
}

func (b *builder) render(name string, data map[string]any) []byte {
	if b.err != nil {
		return nil
	}
	out, err := templates.Render(name, data)
	b.err = err
	return out
}

func (b *builder) file(f File) { b.m.Files = append(b.m.Files, f) }

func (b *builder) unit(u Unit) { b.m.Units = append(b.m.Units, u) }

func (b *builder) dir(d Dir) { b.m.Dirs = append(b.m.Dirs, d) }

// pair adds a certificate and its key below dir as name.crt and name.key.
func (b *builder) pair(dir, name string, p pki.Pair, restarts ...string) {
	if len(p.Cert) == 0 || len(p.Key) == 0 {
		b.fail(fmt.Errorf("the PKI has no certificate %s: `kbm render` issues what is missing", name))
		return
	}
	b.file(File{Path: dir + "/" + name + ".crt", Mode: 0o644, Content: p.Cert, Stage: Joined, Restarts: restarts})
	b.file(File{Path: dir + "/" + name + ".key", Mode: 0o600, Content: p.Key, Secret: true, Stage: Joined, Restarts: restarts})
}

func (b *builder) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// artefact returns a row of the bundle.
func (b *builder) artefact(name string) bundle.Artefact {
	for _, a := range b.in.Bundle.Artefacts {
		if a.Name == name {
			return a
		}
	}
	b.fail(fmt.Errorf("the bundle has no %s: `kbm bundle build` makes what is missing", name))
	return bundle.Artefact{}
}

// hostInURL puts brackets round an IPv6 address.
func hostInURL(a netip.Addr) string {
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}
