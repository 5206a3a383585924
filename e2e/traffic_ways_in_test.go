//go:build lab

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// names and the addresses that records lead to, by the class of their Ingress.
var names = map[string]string{
	"app.example.com":      edgeAddress,
	"basic.example.com":    edgeAddress,
	"auth.example.com":     edgeAddress,
	"intranet.example.com": lanAddress,
	"any.wild.example.com": lanAddress,
	"viaproxy.example.com": proxiedAddress,
	"gated.example.com":    lanAddress,
}

func namesLeadIn(t *testing.T, x *traffic) {
	for name, address := range names {
		x.Eventually(t, reachable, func() error {
			if got := resolve(t, x.Cluster, name); !slices.Equal(got, []string{address}) {
				return fmt.Errorf("%s: %q, want %s", name, got, address)
			}
			return nil
		})
	}
}

// A person types a name; the browser ends at the app, over a certificate that
// it trusts, at the edge node's own address.
func certificateByHTTP01(t *testing.T, x *traffic) {
	got := browse(t, x.Cluster, x.acme).wantBody(t, "http://app.example.com/hostname", "steady")
	if got.url != "https://app.example.com/hostname" || !strings.Contains(got.issuer, "Pebble") {
		t.Errorf("ended at %s", got)
	}
	redirect, err := browse(t, x.Cluster, x.acme).staying().get(t.Context(), "http://app.example.com/deep?x=1")
	if err != nil || redirect.status != http.StatusPermanentRedirect || redirect.header.Get("Location") != "https://app.example.com/deep?x=1" {
		t.Errorf("HTTP: %s, %v", redirect, err)
	}
}

// One certificate is for every name below, at an address of the load balancer.
func certificateByDNS01(t *testing.T, x *traffic) {
	for _, name := range []string{"any", "other"} {
		got := browse(t, x.Cluster, x.acme).wantBody(t, "http://"+name+".wild.example.com/hostname", "steady")
		if !strings.HasPrefix(got.url, "https:") || !strings.Contains(got.issuer, "Pebble") {
			t.Errorf("ended at %s", got)
		}
	}
}

func certificateOfPrivateCA(t *testing.T, x *traffic) {
	browse(t, x.Cluster, x.private).wantBody(t, "http://intranet.example.com/hostname", "steady")
}

// Whoever asks one class for a name of another finds nothing, in clear and
// over TLS, where the other's certificate is not shown either.
func classesAreKeptApart(t *testing.T, x *traffic) {
	for _, class := range []struct {
		name        string
		roots       *x509.CertPool
		own, others []string
	}{
		{"app.example.com", x.acme, []string{edgeAddress}, []string{lanAddress, x.Address(t, "w1") + ":30080"}},
		{"intranet.example.com", x.private, []string{lanAddress}, []string{edgeAddress}},
		{"viaproxy.example.com", x.private, nil, []string{edgeAddress, lanAddress}},
	} {
		b := browse(t, x.Cluster, class.roots)
		for _, own := range class.own {
			b.via(own).wantBody(t, "https://"+class.name+"/hostname", "steady")
		}
		for _, other := range class.others {
			if got, err := b.via(other).get(t.Context(), "http://"+class.name+"/hostname"); err != nil || got.status != http.StatusNotFound {
				t.Errorf("%s asked for %s: %s, %v", other, class.name, got, err)
			}
			if strings.Contains(other, ":") {
				continue // not the port for TLS
			}
			if got, err := b.via(other).get(t.Context(), "https://"+class.name+"/hostname"); !errors.As(err, new(*tls.CertificateVerificationError)) {
				t.Errorf("%s asked for %s over TLS: %s, %v", other, class.name, got, err)
			}
		}
	}
}

// Beside the ways in, the firewall of the edge and the workers lets nobody
// through who is neither a node nor an administrator.
func nothingElseAnswers(t *testing.T, x *traffic) {
	for _, address := range []string{edgeAddress + ":10250", edgeAddress + ":9181", x.Address(t, "w1") + ":10250"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		conn, err := x.Dial(ctx, "tcp", address)
		cancel()
		if err == nil {
			_ = conn.Close() // nothing was sent
			t.Errorf("%s answers", address)
		}
	}
}

// The app is told the address of the client, however the request came in, and
// nobody can make it believe another.
func clientAddress(t *testing.T, x *traffic) {
	for url, roots := range map[string]*x509.CertPool{
		"https://app.example.com":      x.acme,
		"https://intranet.example.com": x.private,
	} {
		for _, header := range []string{"X-Forwarded-For", "X-Real-Ip"} {
			lie := func(r *http.Request) { r.Header.Set(header, "192.0.2.1") }
			browse(t, x.Cluster, roots).wantBody(t, url+"/header?key="+header, harness.Gateway)
			browse(t, x.Cluster, roots).wantBody(t, url+"/header?key="+header, harness.Gateway, lie)
		}
		browse(t, x.Cluster, roots).wantBody(t, url+"/header?key=X-Forwarded-Proto", "https")
	}
}

// A route of a Gateway is served by the class of the same name, and by no other.
func gatewayAPI(t *testing.T, x *traffic) {
	b := browse(t, x.Cluster, nil)
	b.wantBody(t, "http://gated.example.com/hostname", "steady")
	b.wantBody(t, "http://gated.example.com/header?key=X-Forwarded-For", harness.Gateway)
	b.via(edgeAddress).want(t, "http://gated.example.com/hostname", http.StatusNotFound)
}

func nothingMatches(t *testing.T, x *traffic) {
	for _, address := range []string{edgeAddress, lanAddress} {
		b := browse(t, x.Cluster, nil).via(address)
		for _, name := range []string{address, "nobody.example.com"} {
			if got := b.want(t, "http://"+name+"/", http.StatusNotFound); got.header.Get("Location") != "" {
				t.Errorf("what no rule matches: %s", got)
			}
		}
	}
}
