//go:build lab

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// browser is a person's, on the machine outside the cluster: it asks the test's
// name server, verifies certificates with the roots that it is given, keeps
// cookies, and goes where it is redirected to.
type browser struct {
	http.Client
	c *harness.Cluster
}

func browse(t *testing.T, c *harness.Cluster, roots *x509.CertPool) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		// A request each: what changed a moment ago shall be seen.
		DisableKeepAlives: true,
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			if net.ParseIP(host) == nil {
				found, err := resolver(c).LookupHost(ctx, host+".")
				if err != nil {
					return nil, err
				}
				host = found[0]
			}
			return c.Dial(ctx, network, net.JoinHostPort(host, port))
		},
	}
	return &browser{http.Client{Transport: transport, Jar: jar, Timeout: 10 * time.Second}, c}
}

// via is the same browser where one address, IP or IP:port, is all that any
// name leads to.
func (b *browser) via(address string) *browser {
	transport := b.Transport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, asked string) (net.Conn, error) {
		if net.ParseIP(address) == nil {
			return b.c.Dial(ctx, network, address)
		}
		_, port, err := net.SplitHostPort(asked)
		if err != nil {
			return nil, err
		}
		return b.c.Dial(ctx, network, net.JoinHostPort(address, port))
	}
	return &browser{http.Client{Transport: transport, Jar: b.Jar, Timeout: b.Timeout}, b.c}
}

// staying is the same browser where it shows redirects instead of following
// them, without the cookies.
func (b *browser) staying() *browser {
	stays := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{http.Client{Transport: b.Transport, Timeout: b.Timeout, CheckRedirect: stays}, b.c}
}

// page is what a server answered.
type page struct {
	status int
	header http.Header
	body   string
	url    string // the last one, after redirects
	issuer string // of the certificate that was shown; empty without TLS
}

func (a page) String() string {
	return fmt.Sprintf("%d from %s, certificate by %q\n%v\n%.2000s", a.status, a.url, a.issuer, a.header, a.body)
}

// change alters a request before it is sent.
type change func(*http.Request)

func basic(user, password string) change {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

func (b *browser) get(ctx context.Context, url string, changes ...change) (page, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return page{}, err
	}
	for _, change := range changes {
		change(request)
	}
	return b.send(request)
}

func (b *browser) send(request *http.Request) (page, error) {
	response, err := b.Do(request)
	if err != nil {
		return page{}, err
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	body, err := io.ReadAll(response.Body)
	got := page{
		status: response.StatusCode, header: response.Header,
		body: strings.TrimSpace(string(body)), url: response.Request.URL.String(),
	}
	if response.TLS != nil {
		got.issuer = response.TLS.PeerCertificates[0].Issuer.CommonName
	}
	return got, err
}

// reachable is how long a name, a route and a certificate may take together
// until they are there for everybody: cert-manager looks every ten seconds.
const reachable = 90 * time.Second

// want asks until the answer has the status.
func (b *browser) want(t *testing.T, url string, status int, changes ...change) (got page) {
	t.Helper()
	b.c.Eventually(t, reachable, func() (err error) {
		got, err = b.get(t.Context(), url, changes...)
		if err == nil && got.status != status {
			err = fmt.Errorf("%s: want %d: %s", url, status, got)
		}
		return err
	})
	return got
}

// wantBody asks until the answer is 200 with this body.
func (b *browser) wantBody(t *testing.T, url, body string, changes ...change) page {
	t.Helper()
	got := b.want(t, url, http.StatusOK, changes...)
	if got.body != body {
		t.Errorf("%s: want %q: %s", url, body, got)
	}
	return got
}
