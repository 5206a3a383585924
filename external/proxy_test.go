package external

import (
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
)

// Each is missing something, and the message says what would be right.
func TestProxyRefuses(t *testing.T) {
	for what, c := range map[string]struct {
		change func(*ProxyOptions)
		want   string
	}{
		"nothing left": {func(o *ProxyOptions) { o.APIPort, o.Classes = 0, nil }, "there is nothing to lead to"},
		"a port twice": {func(o *ProxyOptions) { o.APIPort = 443 }, "the API and HTTPS both listen at port 443"},
		"a class that no name leads to": {
			func(o *ProxyOptions) { o.Names = nil },
			"no name would lead to the class internal: list its hosts",
		},
		"an address that nobody knows": {
			func(o *ProxyOptions) {
				o.Classes = []cluster.IngressClass{{Name: "lan", Expose: cluster.ThroughLoadBalancer, Pool: "many"}}
			},
			"the class lan has no address yet: set its address",
		},
		"no node of the role": {
			func(o *ProxyOptions) {
				o.Classes = []cluster.IngressClass{{Name: "edge", Expose: cluster.HostNetwork, Roles: []cluster.Role{cluster.Edge}}}
			},
			"add a node with one of its roles, [edge]",
		},
		"no port":        {func(o *ProxyOptions) { o.HTTPSDefault = "nas.example.com" }, `"nas.example.com" is not HOST:PORT`},
		"no name":        {func(o *ProxyOptions) { o.HTTPS = []Elsewhere{{Name: "a b", To: "192.0.2.1:443"}} }, "is not a DNS name"},
		"a line of text": {func(o *ProxyOptions) { o.CAFile = "ca.crt\n\tserver x" }, "HAProxy would misread"},
	} {
		o := proxy(t, pets())
		c.change(&o)
		if p, err := NewProxy(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v", what, err, p)
		}
	}
}

// What the load balancer chose is known to the running cluster only.
func TestProxyOfChosenAddress(t *testing.T) {
	o := proxy(t, pets())
	o.Classes = []cluster.IngressClass{{Name: "lan", Expose: cluster.ThroughLoadBalancer, Pool: "many"}}
	o.Addresses = map[string][]string{"lan": {"192.168.0.99"}}
	text, err := haproxy(o)
	if err != nil || !strings.Contains(string(text), "server s1 192.168.0.99:443 check\n") {
		t.Errorf("%v:\n%s", err, text)
	}
}
