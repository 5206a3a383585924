package external

import (
	"slices"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
)

func TestFromRunning(t *testing.T) {
	c := pets()
	c.Addons.Ingress.Classes[0].Publish = []string{"203.0.113.7"} // the router's
	c.Addons.Ingress.Classes = append(c.Addons.Ingress.Classes, cluster.IngressClass{Name: "chosen", Expose: cluster.ThroughLoadBalancer})
	objects := []Object{
		{Kind: "Ingress", Namespace: "web", Name: "app", Class: "external", Hosts: []string{"app.example.com"}, Addresses: []string{"203.0.113.7"}},
		{Kind: "Ingress", Namespace: "web", Name: "none", Hosts: []string{"none.example.com"}},
		{Kind: "Ingress", Namespace: "web", Name: "lb", Class: "chosen", Hosts: []string{"lb.example.com"}},
		{Kind: "Ingress", Namespace: "web", Name: "own", Class: "nginx", Hosts: []string{"own.example.com"}, Addresses: []string{"192.168.0.9", "lb.example.net"}},
		{Kind: "Ingress", Namespace: "web", Name: "new", Class: "nginx", Hosts: []string{"new.example.com"}},
		{Kind: "Service", Namespace: "ingress", Name: "chosen", Addresses: []string{"192.168.0.99"}},
		{Kind: "Service", Namespace: "mqtt", Name: "broker", Hosts: []string{"MQTT.example.com.", "a'b.example.com"}, Addresses: []string{"192.168.0.50"}},
	}
	names, left := FromRunning(c, objects, nil)
	got := []string{}
	for _, n := range names {
		got = append(got, n.Name+" "+strings.Join(n.Addresses, " "))
	}
	want := []string{
		"app.example.com 192.168.0.3", // the LAN does not go round by the router
		"none.example.com 192.168.0.3",
		"lb.example.com 192.168.0.99",
		"own.example.com 192.168.0.9",
		"new.example.com ",
		"mqtt.example.com 192.168.0.50",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if wanted := []string{
		`Service mqtt/broker: "a'b.example.com" is not a DNS name`,
	}; !slices.Equal(left, wanted) {
		t.Errorf("left out %q", left)
	}
	names, left = FromRunning(c, objects, []string{"chosen"})
	if len(names) != 1 || names[0].Name != "lb.example.com" || len(left) > 0 {
		t.Errorf("of one class: %v, %v", names, left)
	}
}
