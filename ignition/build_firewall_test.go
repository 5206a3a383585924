package ignition_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
)

// firewallOf is what the node's firewall loads; empty without one.
func firewallOf(t *testing.T, c *cluster.Cluster, node string) string {
	t.Helper()
	for _, m := range machines(t, c.WithDefaults()) {
		for _, f := range m.Files {
			if m.Name == node && f.Path == ignition.FirewallWanted {
				return string(f.Content)
			}
		}
	}
	return ""
}

func TestFirewallIsWhatTheSpecAsksFor(t *testing.T) {
	six := &cluster.Cluster{
		Name: "six", Endpoint: cluster.Endpoint{Host: "fd00:1::11"},
		Nodes: []cluster.Node{
			{Name: "cp1", Role: cluster.Controller, Address: "fd00:1::11"},
			{Name: "edge1", Role: cluster.Edge, Address: "2001:db8::7"},
		},
	}
	for _, row := range []struct {
		name     string
		spec     *cluster.Cluster
		firewall *cluster.Firewall
		port     int
		there    string // words that must be in it, parted by |; none: no firewall
	}{
		{"off unless asked for", load(t, "full"), nil, 22, ""},
		{"of workers only", load(t, "full"), &cluster.Firewall{Roles: []cluster.Role{cluster.Worker}}, 22, ""},
		{"an empty section", load(t, "full"), &cluster.Firewall{}, 22, "tcp dport { 22 } accept|tcp . 443"},
		{"a port of its own", load(t, "full"), &cluster.Firewall{Admin: []string{"10.1.0.0/16"}}, 2222, "tcp dport { 22, 2222 } ip saddr @admin4|{ 10.1.0.0/16 }"},
		{"nested networks", load(t, "full"), &cluster.Firewall{Trusted: []string{"192.168.0.0/28", "192.168.0.0/24"}}, 22, "elements = { 192.168.0.0/24 }"},
		{"IPv6 and no addon", six, &cluster.Firewall{Admin: []string{"2001:db8:1::/48"}}, 22, "{ 2001:db8::7, fd00:1::11 }|{ 2001:db8:1::/48 }"},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.spec.Security.Firewall, row.spec.SSH.Port, row.spec.Dir = row.firewall, row.port, t.TempDir()
			rules := firewallOf(t, row.spec, "edge1")
			if row.there == "" {
				if rules != "" {
					t.Errorf("there is one:\n%s", rules)
				}
				return
			}
			for _, words := range strings.Split(row.there, "|") {
				if !strings.Contains(rules, words) {
					t.Errorf("%q is not in:\n%s", words, rules)
				}
			}
			nft := exec.Command("unshare", "--net", "nft", "-c", "-f", "-")
			nft.Stdin = strings.NewReader(rules)
			if out, err := nft.CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
				t.Errorf("nft: %v\n%s", err, out)
			}
		})
	}
}
