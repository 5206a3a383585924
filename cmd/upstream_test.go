package cmd

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rogpeppe/go-internal/testscript"
)

// upstream DIR IMAGE… serves all that bundles are pulled from, under its real
// names and over TLS: the files of DIR/HOST, and a registry with the images. It
// is reached as many networks reach the world, through a proxy alone, which
// writes the hosts that it was asked for into the file proxied. At $DIRECT it is
// a mirror of all hosts, each in a folder.
func upstream(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: upstream DIR IMAGE…")
	}
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v2") {
			images.ServeHTTP(w, r)
			return
		}
		if net.ParseIP(strings.Split(r.Host, ":")[0]) == nil {
			r.URL.Path = "/" + r.Host + r.URL.Path
		}
		http.FileServer(http.Dir(ts.MkAbs(args[0]))).ServeHTTP(w, r)
	}))
	certificate, root, err := certificateFor("dl.k8s.io", "github.com", "registry.k8s.io", "127.0.0.1")
	ts.Check(err)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	ts.Defer(server.Close)
	ts.Check(os.WriteFile(ts.MkAbs("root.pem"), root, 0o644))

	seen := ts.MkAbs("proxied")
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := tunnel(w, r, server.Listener.Addr().String(), seen); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}))
	ts.Defer(proxy.Close)
	for _, image := range args[1:] {
		ts.Check(push(server, image))
	}
	ts.Setenv("HTTPS_PROXY", proxy.URL)
	ts.Setenv("SSL_CERT_FILE", ts.MkAbs("root.pem"))
	ts.Setenv("DIRECT", server.URL)
}

// tunnel is what an HTTP proxy does for TLS, but that all names lead to one
// server.
func tunnel(w http.ResponseWriter, r *http.Request, to, seen string) error {
	if r.Method != http.MethodConnect {
		return errors.New("not a CONNECT")
	}
	f, err := os.OpenFile(seen, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(f, r.Host+"\n"); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	there, err := net.Dial("tcp", to)
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return errors.Join(err, there.Close())
	}
	go func() {
		_, _ = io.Copy(there, here)
		_ = there.Close()
	}()
	go func() {
		_, _ = io.Copy(here, there)
		_ = here.Close()
	}()
	return nil
}

// push puts an image for two architectures into the server's registry.
func push(server *httptest.Server, image string) error {
	index := v1.ImageIndex(empty.Index)
	for _, arch := range []string{"amd64", "arm64"} {
		img, err := random.Image(1000, 1)
		if err != nil {
			return err
		}
		config, err := img.ConfigFile()
		if err != nil {
			return err
		}
		config.OS, config.Architecture = "linux", arch
		if img, err = mutate.ConfigFile(img, config); err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	_, path, _ := strings.Cut(image, "/")
	ref, err := name.ParseReference(server.Listener.Addr().String() + "/" + path)
	if err != nil {
		return err
	}
	return remote.WriteIndex(ref, index, remote.WithTransport(server.Client().Transport))
}

// certificateFor makes a certificate that is its own root.
func certificateFor(names ...string) (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}
