//go:build lab

package e2e

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/e2e/harness"
)

const nameServer = harness.Gateway + ":53"

// zones are those that the name server has, with those of the seeds' apps.
var zones = []string{"example.com", "pius.dev", "jeffreyforman.net", "encompasshost.com"}

const bindConfig = `
options {
	directory "%[1]s";
	pid-file "named.pid";
	session-keyfile "session.key";
	listen-on { %[2]s; };
	listen-on-v6 { none; };
	recursion no;
	dnssec-validation no;
	notify no;
};
controls {};
key "kbm" { algorithm hmac-sha256; secret "%[3]s"; };
`

const bindZone = `
zone "%[1]s" {
	type primary;
	file "%[1]s";
	allow-update { key kbm; };
	allow-transfer { key kbm; };
};
`

// A name that is asked for too early may be missed for a second only.
const zoneFile = `$TTL 5
@ SOA ns hostmaster 1 3600 600 86400 1
@ NS ns
ns A %[1]s
acme A %[1]s
sso A %[1]s
`

// startBind starts BIND, the authoritative server of the zones, with these
// records beside its own. They may be updated by whoever has the key that is
// returned, in base64.
func startBind(t *testing.T, c *harness.Cluster, records ...string) (key string) {
	t.Helper()
	key = strings.TrimSpace(once(t, c.Outside(t, "tsig"), newKey))
	file := c.Outside(t, "bind/named.conf")
	dir := filepath.Dir(file)
	config := fmt.Sprintf(bindConfig, dir, harness.Gateway, key)
	for _, zone := range zones {
		config += fmt.Sprintf(bindZone, zone)
		once(t, filepath.Join(dir, zone), func() string {
			return fmt.Sprintf(zoneFile, harness.Gateway) + strings.Join(records, "\n") + "\n"
		})
	}
	once(t, file, func() string { return config })
	// Where AppArmor watches /usr/sbin/named, it lets it read no such folder.
	program := filepath.Join(dir, "named")
	if _, err := os.Stat(program); err != nil {
		named, err := os.ReadFile("/usr/sbin/named")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(program, named, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c.Serve(t, "bind", nameServer, program, "-g", "-c", file)
	return key
}

// once writes a file unless a kept cluster has it already, and returns what it holds.
func once(t *testing.T, path string, content func() string) string {
	t.Helper()
	if have, err := os.ReadFile(path); err == nil {
		return string(have)
	}
	text := content()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return text
}

func newKey() string {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return base64.StdEncoding.EncodeToString(secret)
}

// resolver asks the name server, and keeps nothing.
func resolver(c *harness.Cluster) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return c.Dial(ctx, network, nameServer)
	}}
}

// resolve returns the addresses of a name, none where there is no such name.
func resolve(t *testing.T, c *harness.Cluster, name string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	addresses, err := resolver(c).LookupHost(ctx, name+".")
	var missing *net.DNSError
	if err != nil && (!errors.As(err, &missing) || !missing.IsNotFound) {
		t.Fatalf("ask for %s: %v", name, err)
	}
	return addresses
}
