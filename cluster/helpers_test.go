package cluster

import (
	"net/netip"
	"reflect"
	"testing"
)

func TestAddresses(t *testing.T) {
	for _, row := range []struct {
		c                  Cluster
		url, api, dns      string
		host               string
		apiServerPort, end int
	}{
		{
			Cluster{Endpoint: Endpoint{Host: "api.example.com", Port: 443}, Network: Network{ServiceCIDR: "10.96.0.0/12"}},
			"https://api.example.com:443", "10.96.0.1", "10.96.0.10", "api.example.com", 6443, 443,
		},
		{
			Cluster{Endpoint: Endpoint{VIP: "10.0.0.10", Port: 8443}, Network: Network{ServiceCIDR: "172.20.255.240/28"}},
			"https://10.0.0.10:8443", "172.20.255.241", "172.20.255.250", "10.0.0.10", 8443, 8443,
		},
		{
			Cluster{Endpoint: Endpoint{Host: "fd00::11"}, Network: Network{ServiceCIDR: "fd00:10:96::/108"}},
			"https://[fd00::11]:6443", "fd00:10:96::1", "fd00:10:96::a", "fd00::11", 6443, 6443,
		},
		{
			Cluster{
				Endpoint: Endpoint{Host: "10.0.0.11", Port: 443}, Network: Network{ServiceCIDR: "10.96.0.0/12"},
				Nodes: []Node{{Name: "cp1", Role: Controller, Address: "10.0.0.11/24"}},
			},
			"https://10.0.0.11:443", "10.96.0.1", "10.96.0.10", "10.0.0.11", 443, 443,
		},
	} {
		got := []any{row.c.EndpointURL(), row.c.APIServiceIP().String(), row.c.DNSServiceIP().String(), row.c.EndpointHost(), row.c.APIServerPort(), row.c.EndpointPort()}
		want := []any{row.url, row.api, row.dns, row.host, row.apiServerPort, row.end}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestNodeAddress(t *testing.T) {
	with, without := Node{Address: "192.168.1.12/24"}, Node{Address: "192.168.1.12"}
	if with.IP() != netip.MustParseAddr("192.168.1.12") || without.IP() != with.IP() {
		t.Errorf("got %v and %v", with.IP(), without.IP())
	}
	if p, ok := with.Prefix(); !ok || p.String() != "192.168.1.12/24" {
		t.Errorf("got %v, %v", p, ok)
	}
	if p, ok := without.Prefix(); ok {
		t.Errorf("got %v", p)
	}
}

func TestSSHOfNode(t *testing.T) {
	c := &Cluster{SSH: SSH{User: "anna", Port: 2222, Jump: "gate", IdentityFiles: []string{"~/.ssh/id"}}}
	plain := Node{Address: "10.0.0.1/24"}
	if got, want := c.SSHOf(&plain), (Access{Host: "10.0.0.1", Port: 2222, User: "anna", Jump: "gate", IdentityFiles: []string{"~/.ssh/id"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	own := Node{Address: "10.0.0.1/24", SSH: NodeSSH{Host: "w1.lan", Port: 22, User: "root", Jump: "other", HostKey: "SHA256:x"}}
	if got, want := c.SSHOf(&own), (Access{Host: "w1.lan", Port: 22, User: "root", Jump: "other", HostKey: "SHA256:x", IdentityFiles: []string{"~/.ssh/id"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	system := Node{OS: "ubuntu"}
	if got := (&Cluster{}).SSHOf(&system); got.User != "ubuntu" || got.Port != 22 {
		t.Errorf("got %+v", got)
	}
}

func TestNodesByRoleAndName(t *testing.T) {
	c := (&Cluster{}).WithNodes(Node{Name: "w1", Role: Worker}, Node{Name: "cp2", Role: Controller}, Node{Name: "cp1", Role: Controller})
	names := []string{}
	for _, n := range c.Controllers() {
		names = append(names, n.Name)
	}
	if !reflect.DeepEqual(names, []string{"cp1", "cp2"}) {
		t.Errorf("got %v", names)
	}
	if _, ok := c.Node("cp3"); ok {
		t.Error("there is no cp3")
	}
}

// A new row of the table is complete, and named in the comment of the setting.
func TestOperatingSystems(t *testing.T) {
	for _, o := range OSes() {
		if o.User == "" || o.BinDir == "" || o.Format != Ignition && o.Format != CloudConfig {
			t.Errorf("%+v lacks something", o)
		}
		if (o.Format == Ignition) != (o.Variant != "" && o.VariantVersion != "") {
			t.Errorf("%+v: the variant is for Ignition, and Ignition needs one", o)
		}
	}
	if _, ok := FindOS(DefaultOS); !ok {
		t.Error("the default is not in the table")
	}
}
