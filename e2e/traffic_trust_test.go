//go:build lab

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// authority is a CA of the test's own, for servers outside the cluster.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	key := newPrivateKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	return authority{parse(t, sign(t, template, template, key, key)), key}
}

// readAuthority reads a CA of the cluster's folder.
func readAuthority(t *testing.T, cert, key string) authority {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return authority{pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)}
}

// issue writes a certificate for a server with these names, and its key, each
// to a file.
func (a authority) issue(t *testing.T, certFile, keyFile string, names ...string) {
	t.Helper()
	key := newPrivateKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, certFile, "CERTIFICATE", sign(t, template, a.cert, key, a.key))
	writePEM(t, keyFile, "PRIVATE KEY", private)
}

func newPrivateKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func parse(t *testing.T, der []byte) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// trusting is what a browser trusts: the certificates of these files.
func trusting(t *testing.T, files ...string) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !pool.AppendCertsFromPEM(content) {
			t.Fatalf("%s holds no certificate", file)
		}
	}
	return pool
}

// serversCA is the file of the CA of the servers outside, in the cluster's
// folder, and the files of a certificate of theirs and its key.
func serversCA(t *testing.T, c *harness.Cluster) (ca, cert, key string) {
	t.Helper()
	ca, cert, key = c.Dir+"/servers-ca.pem", c.Outside(t, "server.crt"), c.Outside(t, "server.key")
	if _, err := os.Stat(ca); err != nil {
		a := newAuthority(t, "servers outside")
		writePEM(t, ca, "CERTIFICATE", a.cert.Raw)
		a.issue(t, cert, key, "acme.example.com", "sso.example.com")
	}
	return ca, cert, key
}
