package external

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// authority is a CA of its own, with what it takes to trust it.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, pool: x509.NewCertPool(), file: filepath.Join(t.TempDir(), "ca.crt")}
	a.cert = a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, &key.PublicKey)
	a.pool.AddCert(a.cert)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	if err := os.WriteFile(a.file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *authority) sign(t *testing.T, template, parent *x509.Certificate, key *ecdsa.PublicKey) *x509.Certificate {
	t.Helper()
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if parent == nil {
		parent = template
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, key, a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// serving is the TLS configuration of a server with the given names.
func (a *authority) serving(t *testing.T, names ...string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := a.sign(t, &x509.Certificate{DNSNames: names, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, a.cert, &key.PublicKey)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}}
}

// backend is a small server that says who it is, and whom it takes the client for.
type backend struct {
	name string
	// unready is what /readyz says.
	unready atomic.Bool
	server  *http.Server
	done    chan struct{}
}

// serve starts one. With config it speaks TLS, with proxied it insists on the
// PROXY protocol, as Traefik does not: that makes a missing header show.
func serve(t *testing.T, name, address string, config *tls.Config, proxied bool) *backend {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if proxied {
		listener = proxyListener{listener}
	}
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	b := &backend{name: name, done: make(chan struct{})}
	b.server = &http.Server{Handler: b, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() {
		defer close(b.done)
		_ = b.server.Serve(listener) // it ends with the test
	}()
	t.Cleanup(b.stop)
	return b
}

func (b *backend) stop() {
	_ = b.server.Close()
	<-b.done
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/readyz" && b.unready.Load() {
		w.WriteHeader(http.StatusInternalServerError)
	}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	_, _ = fmt.Fprintf(w, "%s for %s", b.name, host)
}

// proxyListener takes the client's address from the PROXY protocol, version 2:
// haproxy's doc/proxy-protocol.txt, section 2.2.
type proxyListener struct{ net.Listener }

func (l proxyListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &proxyConn{Conn: conn, reader: bufio.NewReader(conn)}, nil
}

type proxyConn struct {
	net.Conn
	reader *bufio.Reader
	client net.Addr
	read   bool
}

func (c *proxyConn) Read(p []byte) (int, error) {
	if err := c.header(); err != nil {
		return 0, err
	}
	return c.reader.Read(p)
}

// header is read when it is first needed: http.Server asks for the address first.
func (c *proxyConn) header() error {
	if c.read {
		return nil
	}
	head := make([]byte, 16)
	if _, err := io.ReadFull(c.reader, head); err != nil {
		return err
	}
	if string(head[:12]) != "\r\n\r\n\x00\r\nQUIT\n" {
		return fmt.Errorf("no PROXY protocol but %q", head)
	}
	rest := make([]byte, binary.BigEndian.Uint16(head[14:]))
	if _, err := io.ReadFull(c.reader, rest); err != nil {
		return err
	}
	c.read = true
	if head[12] == 0x21 && head[13] == 0x11 { // not a health check, and TCP over IPv4
		ip, _ := netip.AddrFromSlice(rest[:4])
		c.client = net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, binary.BigEndian.Uint16(rest[8:])))
	}
	return nil
}

func (c *proxyConn) RemoteAddr() net.Addr {
	if err := c.header(); err == nil && c.client != nil {
		return c.client
	}
	return c.Conn.RemoteAddr()
}
