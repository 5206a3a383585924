//go:build lab

package addons

import (
	"net/http"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
)

// tlsWorks: the right certificate, HTTP/2, and the way from HTTP to it.
func tlsWorks(t *testing.T, d *doorstep) {
	v := d.visitor(ways()[1])
	d.service(t, "default", "secure", newBackend(t, "secure"))
	d.tlsSecret(t, "default", "secure", "secure.test")
	d.secured(t, d.ingressOf("secure", "nginx", nil), "secure")
	d.service(t, "default", "both", newBackend(t, "both"))
	d.secured(t, d.ingressOf("both", "nginx", map[string]string{nginx + "ssl-redirect": "false"}), "secure")
	d.service(t, "default", "forced", newBackend(t, "forced"))
	d.create(t, d.ingressOf("forced", "nginx", map[string]string{nginx + "force-ssl-redirect": "true"}))

	if got := v.until(t, "http://secure.test/a?b=c", 308).Header.Get("Location"); got != "https://secure.test/a?b=c" {
		t.Errorf("leads to %s", got)
	}
	a := v.until(t, "https://secure.test/", 200)
	if a.Proto != "HTTP/2.0" || a.TLS.PeerCertificates[0].DNSNames[0] != "secure.test" || a.seen.Header.Get("X-Forwarded-Proto") != "https" {
		t.Errorf("%s with the certificate for %v; the backend saw %v", a.Proto, a.TLS.PeerCertificates[0].DNSNames, a.seen.Header)
	}
	v.until(t, "http://both.test/", 200)
	v.until(t, "http://forced.test/", 308)
	// Another name gets Traefik's own certificate, which nobody trusts.
	if _, err := v.ask("https://forced.test/"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a name without a certificate: %v", err)
	}
}

// secured creates an Ingress with a section for TLS.
func (d *doorstep) secured(t *testing.T, o *networkingv1.Ingress, secret string) {
	t.Helper()
	o.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{o.Spec.Rules[0].Host}, SecretName: secret}}
	d.create(t, o)
}

// clientAddresses: PROXY protocol and X-Forwarded-For count from a trusted proxy
// and from nobody else.
func clientAddresses(t *testing.T, d *doorstep) {
	d.service(t, "default", "addresses", newBackend(t, "addresses"))
	d.ingress(t, "addresses", "nginx-external", map[string]string{nginx + "whitelist-source-range": "203.0.113.9/32, 10.99.0.0/24"})
	const url, greeting = "http://addresses.test/", "PROXY TCP4 203.0.113.9 10.99.0.11 4711 80\r\n"
	direct := d.visitor(ways()[0])
	direct.until(t, url, 200)
	for name, row := range map[string]struct {
		from, greeting, forwarded, want string
	}{
		"direct":                         {lanNode, "", "", lanNode},
		"direct, with a lie":             {lanNode, "", "203.0.113.9", lanNode},
		"PROXY by the proxy":             {lanProxy, greeting, "", "203.0.113.9"},
		"PROXY by somebody else":         {lanStranger, greeting, "", lanStranger},
		"X-Forwarded-For by the proxy":   {lanProxy, "", "203.0.113.9", "203.0.113.9, " + lanProxy},
		"PROXY by the proxy, with a lie": {lanProxy, greeting, "1.2.3.4", "203.0.113.9"},
	} {
		v := direct
		v.from, v.greeting = row.from, row.greeting
		var changes []func(*http.Request)
		if row.forwarded != "" {
			changes = append(changes, header("X-Forwarded-For", row.forwarded))
		}
		if got := v.want(t, url, 200, changes...).seen.Header.Get("X-Forwarded-For"); got != row.want {
			t.Errorf("%s: the backend was told %q, want %q", name, got, row.want)
		}
	}

	// Allow lists go by the connection, whatever X-Forwarded-For says.
	d.service(t, "default", "listed", newBackend(t, "listed"))
	d.ingress(t, "listed", "nginx-external", map[string]string{nginx + "whitelist-source-range": "203.0.113.9/32"})
	v := direct
	v.until(t, "http://listed.test/", 403)
	v.from = lanProxy
	v.want(t, "http://listed.test/", 403, header("X-Forwarded-For", "203.0.113.9"))
	v.greeting = greeting
	v.want(t, "http://listed.test/", 200)
}
