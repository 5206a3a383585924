//go:build lab

package addons

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kbm-dev/kbm/cluster"
)

// TestDNS runs external-dns with a real name server, BIND, that takes signed
// updates only.
func TestDNS(t *testing.T) {
	if !alone(t) {
		return
	}
	s := newStreet(t, cluster.Addons{
		Ingress: gateways(),
		DNS: &cluster.DNS{
			Provider: cluster.ProviderRFC2136, Domains: []string{"home.example"},
			RFC2136: &cluster.RFC2136{Server: streetHome + ":5353", KeyName: "kbm"},
		},
	}, "ingress", "dns")
	s.complete(t)
	openNameServer(t)
	at := s.move(t, "dns", "10.99.0.11")
	s.live(t, "external-dns", find(t, s.all, "Deployment", "external-dns"), at)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ingress := s.announce(t, "app.home.example", "*.apps.home.example", "home.example", "app.elsewhere.example")
	for _, name := range []string{"app.home.example", "x.apps.home.example", "home.example"} {
		eventually(ctx, t, name+" leads to the ingress", func() error { return resolves(name, "203.0.113.7") })
	}
	if got := ask("TXT", "kbm-a.app.home.example"); !strings.Contains(got, "external-dns/owner="+s.cluster.Name) {
		t.Errorf("nothing tells whose record that is: %q", got)
	}
	if err := resolves("by-hand.home.example", "203.0.113.9"); err != nil {
		t.Errorf("somebody else's record: %v", err)
	}
	if err := s.engine.client.Delete(ctx, ingress); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, "the records are gone", func() error { return resolves("app.home.example", "") })
	if err := resolves("by-hand.home.example", "203.0.113.9"); err != nil {
		t.Errorf("somebody else's record, after a deletion: %v", err)
	}
	checkRights(t, s.all, s.audit, "external-dns", "external-dns")
	s.startsForClouds(t)
}

// startsForClouds runs external-dns for each provider that cannot be reached
// here, until it is ready: it has such a provider, and understands its arguments.
func (s *street) startsForClouds(t *testing.T) {
	t.Helper()
	secret := cluster.Secret{Env: "SECRET"}
	for address, dns := range map[string]cluster.DNS{
		"10.99.0.12": {Provider: cluster.ProviderCloudflare, Cloudflare: &cluster.Cloudflare{APIToken: secret, Proxied: true}},
		"10.99.0.13": {Provider: cluster.ProviderRoute53, Route53: &cluster.Route53{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: secret, ZoneType: "public"}},
	} {
		dns.Domains = []string{"home.example"}
		s.cluster.Addons.DNS = &dns
		s.cluster = s.cluster.WithDefaults()
		s.render(t, "ingress", "dns")
		s.runAt(t, s.engine, s.all, "external-dns", find(t, s.all, "Deployment", "external-dns"), s.move(t, dns.Provider, address))
	}
}

// announce makes an Ingress whose address is published.
func (s *street) announce(t *testing.T, hosts ...string) *networkingv1.Ingress {
	t.Helper()
	ingress := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: "default"},
		Spec: networkingv1.IngressSpec{DefaultBackend: &networkingv1.IngressBackend{
			Service: &networkingv1.IngressServiceBackend{Name: "app", Port: networkingv1.ServiceBackendPort{Number: 80}},
		}},
	}
	for _, host := range hosts {
		ingress.Spec.Rules = append(ingress.Spec.Rules, networkingv1.IngressRule{Host: host})
	}
	if err := s.engine.client.Create(t.Context(), ingress); err != nil {
		t.Fatal(err)
	}
	ingress.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{IP: "203.0.113.7"}}
	if err := s.engine.client.Status().Update(t.Context(), ingress); err != nil {
		t.Fatal(err)
	}
	return ingress
}

// openNameServer runs BIND with a zone in which somebody has a record already.
// The key is what keptBy has for a secret.
func openNameServer(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"named.conf": fmt.Sprintf(`key kbm { algorithm hmac-sha256; secret "c2VjcmV0"; };
options { directory %q; pid-file none; listen-on port 5353 { %s; }; listen-on-v6 { none; }; recursion no; allow-transfer { key kbm; }; };
controls { };
zone "home.example" { type primary; file "zone"; update-policy { grant kbm zonesub ANY; }; };
`, dir, streetHome),
		"zone": `$TTL 60
@ SOA ns root 1 60 60 60 60
@ NS ns
ns A ` + streetHome + `
by-hand A 203.0.113.9
web A ` + streetHome + `
`,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	new(control).start(t, "named", "-g", "-c", filepath.Join(dir, "named.conf"))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	eventually(ctx, t, "the name server answers", func() error { return resolves("by-hand.home.example", "203.0.113.9") })
}

func ask(kind, name string) string {
	return askAt(streetHome, "5353", kind, name)
}

func askAt(server, port, kind, name string) string {
	out, _ := exec.Command("dig", "+short", "+time=1", "+tries=1", "-p", port, "@"+server, kind, name).Output()
	return strings.TrimSpace(string(out))
}

// resolves is an error unless the name has exactly the address; none where that is empty.
func resolves(name, address string) error {
	got := strings.Fields(ask("A", name))
	if want := strings.Fields(address); !slices.Equal(got, want) {
		return fmt.Errorf("%s has the addresses %v, not %v", name, got, want)
	}
	return nil
}
