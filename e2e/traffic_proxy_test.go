//go:build lab

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// startHAProxy starts the one that kbm configures for the class on NodePorts,
// where the names of that class lead.
func startHAProxy(t *testing.T, x *traffic) {
	t.Helper()
	config := x.Outside(t, "haproxy.cfg")
	if err := os.WriteFile(config, []byte(x.Must(t, "external", "haproxy", "--class", "proxied", "--ca-file", filepath.Join(x.Dir, "pki/ca.crt"))), 0o644); err != nil {
		t.Fatal(err)
	}
	x.Serve(t, "haproxy", proxiedAddress+":80", "haproxy", "-db", "-f", config)
}

// A person is led through HAProxy to the NodePorts, and the app is still told
// where the person is, though HAProxy opens nothing of what it passes on.
func throughHAProxy(t *testing.T, x *traffic) {
	b := browse(t, x.Cluster, x.private)
	got := b.wantBody(t, "http://viaproxy.example.com/hostname", "steady")
	if !strings.HasPrefix(got.url, "https:") {
		t.Errorf("ended at %s", got)
	}
	// From here the machine outside has another address than its proxy.
	local := b.via("127.0.0.1")
	local.wantBody(t, "https://viaproxy.example.com/header?key=X-Forwarded-For", "127.0.0.1")
	b.wantBody(t, "https://viaproxy.example.com/header?key=X-Forwarded-For", harness.Gateway)
	// The API is behind it, too.
	api := x.Exec(t, "kubectl", "--server", "https://"+harness.Gateway+":6443", "--tls-server-name", x.Address(t, "cp1"), "get", "--raw", "/readyz")
	if api.Stdout != "ok" {
		t.Errorf("the API through HAProxy: %s", api.All())
	}
}
