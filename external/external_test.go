package external

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
)

var update = flag.Bool("update", false, "write the goldens")

func node(name string, role cluster.Role, address string) cluster.Node {
	return cluster.Node{Name: name, Role: role, Address: address}
}

// pets is a home: a way in from the Internet and one from the LAN, each at an
// address that the load balancer has for it alone.
func pets() *cluster.Cluster {
	c := &cluster.Cluster{
		Name: "pets", Endpoint: cluster.Endpoint{Host: "192.168.0.10"},
		Nodes: []cluster.Node{node("nuc", cluster.Controller, "192.168.0.10/24"), node("udoo", cluster.Worker, "192.168.0.11/24")},
		Addons: cluster.Addons{
			LoadBalancer: &cluster.LoadBalancer{Pools: []cluster.Pool{
				{Name: "external", Addresses: []string{"192.168.0.3/32"}},
				{Name: "internal", Addresses: []string{"192.168.0.5-192.168.0.5"}},
			}},
			Ingress: &cluster.Ingress{Classes: []cluster.IngressClass{
				{Name: "external", Default: true, Expose: cluster.ThroughLoadBalancer, Pool: "external", Hosts: []string{"app2.k8s.example.com", "app1.k8s.example.com"}},
				{Name: "internal", Expose: cluster.ThroughLoadBalancer, Pool: "internal", Hosts: []string{"nas.example.com", "*.lan.example.com"}},
			}},
		},
	}
	return c.WithDefaults()
}

// farm is three controllers behind a HAProxy, which is the endpoint too.
func farm() *cluster.Cluster {
	c := &cluster.Cluster{
		Name: "farm", Endpoint: cluster.Endpoint{Host: "api.farm.example.com"},
		Nodes: []cluster.Node{
			node("corea-controller0", cluster.Controller, "10.10.0.125"),
			node("corea-controller1", cluster.Controller, "10.10.0.126"),
			node("corea-controller2", cluster.Controller, "10.10.0.127"),
		},
		Addons: cluster.Addons{Ingress: &cluster.Ingress{Classes: []cluster.IngressClass{{
			Name: "main", Expose: cluster.NodePort, TrustedProxies: []string{"10.10.0.5/32"},
			Publish: []string{"10.10.0.5"}, Hosts: []string{"grafana.farm.example.com"},
		}}}},
	}
	return c.WithDefaults()
}

// six is reached by IPv6 too, at edge nodes.
func six() *cluster.Cluster {
	c := &cluster.Cluster{
		Name: "six-feet", Endpoint: cluster.Endpoint{VIP: "fd00::10"},
		Nodes: []cluster.Node{
			node("cp1", cluster.Controller, "fd00::11/64"),
			node("ed1", cluster.Edge, "fd00::21/64"), node("ed2", cluster.Edge, "fd00::22/64"),
		},
		Addons: cluster.Addons{Ingress: &cluster.Ingress{Classes: []cluster.IngressClass{
			{Name: "edge", Hosts: []string{"six.example.com", "*.six.example.com"}},
			{Name: "both", Expose: cluster.NodePort, Publish: []string{"fd00::30", "192.0.2.30"}, Hosts: []string{"both.example.com"}},
		}}},
	}
	return c.WithDefaults()
}

func clusters() []*cluster.Cluster { return []*cluster.Cluster{pets(), farm(), six()} }

// list is what kbm external prints of a cluster unless it is told more.
func list(t *testing.T, c *cluster.Cluster) List {
	t.Helper()
	names, err := Join(FromSpec(c, c.Addons.Ingress.Classes), nil)
	if err != nil {
		t.Fatal(err)
	}
	return List{Cluster: c.Name, Source: "cluster.yaml", Names: names}
}

// proxy has the options that kbm external haproxy has unless it is told more.
func proxy(t *testing.T, c *cluster.Cluster) ProxyOptions {
	return ProxyOptions{
		Cluster: c, Classes: c.Addons.Ingress.Classes, Names: list(t, c).Names,
		Listen: []string{"*"}, APIPort: c.EndpointPort(), HTTPPort: 80, HTTPSPort: 443,
		CAFile: "/etc/haproxy/" + c.Name + "-ca.crt", Stats: "127.0.0.1:8404", User: "haproxy", Group: "haproxy", Connections: 4096,
	}
}

// seed000 adds what the router of that home has beside the cluster.
func seed000(t *testing.T) ProxyOptions {
	o := proxy(t, pets())
	o.APIPort = 0
	o.HTTPS = []Elsewhere{{Name: "*.k8s.example.com", To: "192.168.0.4:443"}, {Name: "video.example.com", To: "192.168.0.4:443"}}
	o.HTTPSDefault = "192.168.0.2:443"
	return o
}

func TestGolden(t *testing.T) {
	outputs := map[string]func() ([]byte, error){}
	for _, c := range clusters() {
		l := list(t, c)
		outputs[c.Name+".dnsmasq.conf"] = l.Dnsmasq
		outputs[c.Name+".uci.sh"] = l.UCI
		outputs[c.Name+".hosts"] = l.Hosts
		outputs[c.Name+".zone"] = func() ([]byte, error) {
			text, _, err := l.Zone(Zone{})
			return text, err
		}
		outputs[c.Name+".haproxy.cfg"] = func() ([]byte, error) { return haproxy(proxy(t, c)) }
	}
	outputs["pets.whole.zone"] = func() ([]byte, error) {
		text, _, err := list(t, pets()).Zone(Zone{Origin: "k8s.example.com", Server: "ns.k8s.example.com", Addresses: []string{"192.168.0.1"}, Serial: 1})
		return text, err
	}
	outputs["seed000.haproxy.cfg"] = func() ([]byte, error) { return haproxy(seed000(t)) }
	for name, output := range outputs {
		t.Run(name, func(t *testing.T) {
			got, err := output()
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s differs from its golden (go test -update writes it anew):\n%s", name, got)
			}
		})
	}
}

func haproxy(o ProxyOptions) ([]byte, error) {
	p, err := NewProxy(o)
	if err != nil {
		return nil, err
	}
	return p.HAProxy()
}

func TestJoin(t *testing.T) {
	outside := Name{Name: "app.example.com", Addresses: []string{"203.0.113.7"}, Class: "external", From: "Ingress web/app"}
	inside := Name{Name: "app.example.com", Addresses: []string{"192.168.0.5"}, Class: "internal", From: "Ingress web/app-lan"}
	again := Name{Name: "app.example.com", Addresses: []string{"203.0.113.10", "203.0.113.7"}, Class: "external", From: "Ingress web/more"}

	got, err := Join([]Name{again, outside}, nil)
	if err != nil || len(got) != 1 || !slices.Equal(got[0].Addresses, []string{"203.0.113.7", "203.0.113.10"}) {
		t.Errorf("two objects of one class: %v, %v", got, err)
	}
	if _, err := Join([]Name{outside, inside}, nil); err == nil || !strings.Contains(err.Error(), "--class") {
		t.Errorf("two classes at two places, and no order: %v", err)
	}
	got, err = Join([]Name{outside, inside}, []string{"internal", "external"})
	if err != nil || len(got) != 1 || got[0].Class != "internal" {
		t.Errorf("two classes in order: %v, %v", got, err)
	}
}

// An annotation of a Service is any text, and the output is run by a router.
func TestNamesAreNames(t *testing.T) {
	for _, n := range []Name{
		{Name: "a'; reboot; '.example.com"},
		{Name: "a.example.com\nserver=/#/192.0.2.1"},
		{Name: "a.*.example.com"},
		{Name: "a.example.com", Addresses: []string{"192.0.2.1'"}},
		{Name: "a.example.com", Addresses: []string{"lb.example.com"}},
	} {
		if got, err := Join([]Name{n}, nil); err == nil {
			t.Errorf("%q was taken: %v", n, got)
		}
	}
}

func TestClasses(t *testing.T) {
	chosen, err := Classes(pets(), []string{"internal", "external"})
	if err != nil || len(chosen) != 2 || chosen[0].Name != "internal" {
		t.Errorf("the order of the command line is lost: %v, %v", chosen, err)
	}
	if _, err := Classes(pets(), []string{"extrenal"}); err == nil || !strings.Contains(err.Error(), "there are external, internal") {
		t.Errorf("a class that is not there: %v", err)
	}
}

func TestEndpoint(t *testing.T) {
	n, err := Endpoint(farm(), []string{"10.10.0.5"})
	if err != nil || n.Name != "api.farm.example.com" || len(n.Addresses) != 1 {
		t.Errorf("got %v, %v", n, err)
	}
	if _, err := Endpoint(pets(), nil); err == nil {
		t.Error("an address was given a name")
	}
}
