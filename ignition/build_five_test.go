package ignition_test

import (
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
)

// With five controllers each one's etcd begins with the same five members, and
// each one's certificates name itself and the endpoint, and no other.
func TestFiveControllers(t *testing.T) {
	const golden = "testdata/five-controllers"
	c := load(t, "ha").WithNodes(
		cluster.Node{Name: "cp4", Role: cluster.Controller, Address: "10.0.0.14/24"},
		cluster.Node{Name: "cp5", Role: cluster.Controller, Address: "10.0.0.15/24"},
	)
	if err := c.ReadyForUp(); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, m := range machines(t, c) {
		if n, _ := c.Node(m.Name); n.Role != cluster.Controller {
			continue
		}
		fmt.Fprintf(&out, "%s\n", m.Name)
		for _, path := range []string{ignition.EtcdInitialFile, "/etc/kubernetes/pki/apiserver.crt", "/etc/kubernetes/pki/etcd/peer.crt", "/etc/kubernetes/pki/etcd/server.crt"} {
			i := slices.IndexFunc(m.Files, func(f ignition.File) bool { return f.Path == path })
			if i < 0 {
				t.Fatalf("%s has no %s", m.Name, path)
			}
			text := string(m.Files[i].Content)
			if strings.HasSuffix(path, ".crt") {
				text = sans(t, m.Files[i].Content)
			}
			fmt.Fprintf(&out, "%s\n%s\n", path, indent(text))
		}
	}
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("differs from %s: look, then run with -update; got\n%s", golden, out.String())
	}
}

func sans(t *testing.T, text []byte) string {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatal("no PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("DNS %v\nIP %v", cert.DNSNames, cert.IPAddresses)
}
