package cluster

import (
	"slices"
	"testing"
)

func TestUpstreams(t *testing.T) {
	dhcp := Node{Address: "10.0.0.1"}
	bare := Node{Address: "10.0.0.2/24"}
	own := Node{Address: "10.0.0.3/24", DNS: []string{"10.0.0.53"}}
	adopted := Node{Address: "10.0.0.4/24", SSH: NodeSSH{HostKey: "SHA256:x"}}
	for name, test := range map[string]struct {
		resolvers []string
		nodes     []Node
		want      []string
	}{
		"the spec's come first":          {[]string{"1.1.1.1"}, []Node{own}, []string{"1.1.1.1"}},
		"every node has its own":         {nil, []Node{dhcp, own, adopted}, []string{NodeResolvers}},
		"one node has none: the others'": {nil, []Node{bare, own}, []string{"10.0.0.53"}},
		"nobody has one":                 {nil, []Node{bare}, nil},
		"no nodes yet, nothing to go by": {nil, nil, []string{NodeResolvers}},
	} {
		c := &Cluster{Network: Network{Resolvers: test.resolvers}, Nodes: test.nodes}
		if got := c.Upstreams(); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}
