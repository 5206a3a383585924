package cluster

import (
	"slices"
	"testing"
)

func TestServerOfUpdatesHasAPort(t *testing.T) {
	for server, want := range map[string]string{
		"192.168.1.53":      "192.168.1.53:53",
		"192.168.1.53:5353": "192.168.1.53:5353",
		"fd00::53":          "[fd00::53]:53",
		"[fd00::53]:5353":   "[fd00::53]:5353",
		"ns.example.com":    "ns.example.com:53",
	} {
		r := &RFC2136{Server: server}
		if got := r.HostPort(); got != want {
			t.Errorf("%s: got %s, want %s", server, got, want)
		}
	}
}

func TestProofResolvers(t *testing.T) {
	c := &Cluster{Addons: Addons{Certs: &Certs{}}}
	if got := c.ProofResolvers(); len(got) > 0 {
		t.Errorf("without any, got %v", got)
	}
	c.Network.Resolvers = []string{"192.168.1.1", "fd00::1"}
	if got, want := c.ProofResolvers(), []string{"192.168.1.1:53", "[fd00::1]:53"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want the LAN's %v", got, want)
	}
	c.Addons.Certs.Resolvers = []string{"1.1.1.1:53"}
	if got := c.ProofResolvers(); !slices.Equal(got, c.Addons.Certs.Resolvers) {
		t.Errorf("got %v, want those of certs", got)
	}
}
