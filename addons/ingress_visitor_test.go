//go:build lab

package addons

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// backend is an app behind the ingress. It answers with what it saw of the
// request.
type backend struct {
	name, address string
	port          int
	held          chan struct{} // hears of a request for /slow
	hold          chan struct{} // such requests end when it is closed
}

// seen is what a backend saw.
type seen struct {
	Backend, Host, Path string
	Header              http.Header
}

func newBackend(t *testing.T, name string) *backend { return newBackendAt(t, lanNode, name) }

// newBackendAt is for a second pod of a Service: as pods have, it needs an
// address of its own.
func newBackendAt(t *testing.T, address, name string) *backend {
	b := &backend{name: name, address: address, held: make(chan struct{}, 1), hold: make(chan struct{})}
	b.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			b.held <- struct{}{}
			<-b.hold
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_ = json.NewEncoder(w).Encode(seen{Backend: name, Host: r.Host, Path: r.URL.RequestURI(), Header: r.Header})
	}))
	return b
}

// newSignIn answers as oauth2-proxy does: whoever has the cookie is Ann.
func newSignIn(t *testing.T) *backend {
	b := &backend{name: "sign-in", address: lanNode}
	b.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/oauth2/auth" {
			_, _ = io.WriteString(w, "please sign in")
			return
		}
		if cookie, err := r.Cookie("session"); err != nil || cookie.Value != "ann" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("X-Auth-Request-User", "ann")
		w.WriteHeader(http.StatusAccepted)
	}))
	return b
}

func (b *backend) serve(t *testing.T, handler http.Handler) {
	t.Helper()
	l, err := net.Listen("tcp", b.address+":0")
	if err != nil {
		t.Fatal(err)
	}
	b.port = l.Addr().(*net.TCPAddr).Port
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
}

// visitor asks an instance of the ingress, whatever the name in the URL.
type visitor struct {
	to, from string
	roots    *x509.CertPool
	greeting string // is sent before the request
}

func (d *doorstep) visitor(w way) visitor {
	return visitor{to: w.address, from: lanNode, roots: d.ca.pool()}
}

// answer is what a visitor got.
type answer struct {
	*http.Response
	text string
	seen seen // by the backend
}

// ask sends a request over a connection of its own and follows no redirect.
func (v visitor) ask(url string, changes ...func(*http.Request)) (*answer, error) {
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: v.roots}, ForceAttemptHTTP2: true, DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(v.from)}}
			c, err := d.DialContext(ctx, network, net.JoinHostPort(v.to, port))
			if err == nil && v.greeting != "" {
				_, err = io.WriteString(c, v.greeting)
			}
			return c, err
		},
	}
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	for _, change := range changes {
		change(request)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	a := &answer{Response: response, text: string(text)}
	_ = json.Unmarshal(text, &a.seen) // not every answer is a backend's
	return a, err
}

// get is ask where an answer must come.
func (v visitor) get(t *testing.T, url string, changes ...func(*http.Request)) *answer {
	t.Helper()
	a, err := v.ask(url, changes...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// want asks once.
func (v visitor) want(t *testing.T, url string, status int, changes ...func(*http.Request)) *answer {
	t.Helper()
	a := v.get(t, url, changes...)
	if a.StatusCode != status {
		t.Errorf("%s from %s: %s, want %d: %s", url, v.from, a.Status, status, a.text)
	}
	return a
}

// until asks until the ingress has read what the test made a moment ago.
func (v visitor) until(t *testing.T, url string, status int, changes ...func(*http.Request)) *answer {
	t.Helper()
	var a *answer
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	eventually(ctx, t, url+" is served", func() (err error) {
		if a, err = v.ask(url, changes...); err == nil && a.StatusCode != status {
			err = fmt.Errorf("%s, want %d: %s", a.Status, status, a.text)
		}
		return err
	})
	return a
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header[name] = []string{value} }
}

// authority issues certificates for the Ingress objects of the test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "private CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	der, key := a.sign(t, a.cert)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert: cert, key: key}
}

// sign makes a key and a certificate for it, by itself where it has no key yet.
func (a *authority) sign(t *testing.T, template *x509.Certificate) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer := a.key
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// tlsSecret makes the Secret of an Ingress with TLS.
func (d *doorstep) tlsSecret(t *testing.T, namespace, name string, hosts ...string) {
	t.Helper()
	der, key := d.ca.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	})
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	d.create(t, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{
			corev1.TLSCertKey:       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
			corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
		},
	})
}
