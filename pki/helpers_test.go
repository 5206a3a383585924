package pki

import (
	"crypto/rand"
	"crypto/x509"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/cluster"
)

var now = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// testCluster has three controllers, a worker and an edge node.
func testCluster(t testing.TB) *cluster.Cluster {
	t.Helper()
	c := &cluster.Cluster{
		Name:     "home",
		Endpoint: cluster.Endpoint{Host: "api.home.example.com"},
		PKI:      cluster.PKI{ExtraSANs: []string{"kube.example.org", "203.0.113.5"}},
		Addons: cluster.Addons{
			LoadBalancer: &cluster.LoadBalancer{}, Metrics: &cluster.Metrics{}, Auth: &cluster.Auth{},
			Certs: &cluster.Certs{Issuers: []cluster.Issuer{{Name: "lan", PrivateCA: true}}},
		},
		Dir: t.TempDir(),
	}
	return c.WithNodes(
		cluster.Node{Name: "cp1", Role: cluster.Controller, Address: "192.168.1.11/24"},
		cluster.Node{Name: "cp2", Role: cluster.Controller, Address: "192.168.1.12/24"},
		cluster.Node{Name: "cp3", Role: cluster.Controller, Address: "192.168.1.13/24"},
		cluster.Node{Name: "ed1", Role: cluster.Edge, Address: "203.0.113.7"},
		cluster.Node{Name: "w1", Role: cluster.Worker, Address: "192.168.1.21/24", SSH: cluster.NodeSSH{Host: "w1.lan"}},
	)
}

func store(t testing.TB, c *cluster.Cluster) *Files {
	t.Helper()
	s, err := NewFiles(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustEnsure(t testing.TB, c *cluster.Cluster, at time.Time) *Set {
	t.Helper()
	set, err := Ensure(store(t, c), c, at, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// changed lists what Ensure did as "path: why".
func changed(s *Set) []string {
	list := []string{}
	for _, c := range s.Changes {
		list = append(list, c.Path+": "+c.Why)
	}
	return list
}

// tree reads every file below the PKI folder.
func tree(t testing.TB, c *cluster.Cluster) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(filepath.Join(c.Dir, Dir)), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(c.Dir, Dir, name))
		files[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func cert(t testing.TB, p Pair) *x509.Certificate {
	t.Helper()
	parsed, err := parseCert(p.Cert)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func wantError(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q\ndoes not tell %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error takes more than one line: %q", err)
	}
}
