//go:build lab

package e2e

import (
	"bytes"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// newEncrypted is harness.New for a folder with secrets.recipients: no key in
// it can be read without the identity, which all commands are given.
func newEncrypted(t *testing.T, flags []string, nodes ...harness.Node) *harness.Cluster {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "identity.txt")
	if err := os.WriteFile(file, []byte(identity.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := harness.New(t, append(flags, "--recipient", identity.Recipient().String()))
	c.Env = []string{"KBM_AGE_IDENTITY=" + file}
	for _, node := range nodes {
		c.AddNode(t, node)
	}
	return c
}

// staysEncrypted checks that everything works from keys that are encrypted, and
// that the whole folder may be committed.
func staysEncrypted(t *testing.T, c *harness.Cluster) {
	noPlainKey(t, c)
	admin := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(admin, []byte(c.Must(t, "kubeconfig")), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := c.Kubectl(t, "--kubeconfig", admin, "get", "nodes", "-o", "jsonpath={.items[*].metadata.name}"); got != "cp1" {
		t.Errorf("nodes: %q", got)
	}
	identity := c.Env
	c.Env = []string{"KBM_AGE_IDENTITY="}
	if got := c.Kbm(t, "up"); got.Code != 2 || !strings.Contains(got.Stderr, "--identity") {
		t.Errorf("without the identity: %s", got.All())
	}
	c.Env = identity
}

// noPlainKey looks at every file of the folder, also for keys that are encoded.
func noPlainKey(t *testing.T, c *harness.Cluster) {
	t.Helper()
	signs := [][]byte{[]byte("PRIVATE%20KEY"), []byte("AGE-SECRET-KEY")}
	for _, kind := range []string{"", "EC ", "OPENSSH "} {
		begin := "-----BEGIN " + kind + "PRIVATE KEY"
		signs = append(signs, []byte(begin))
		for shift := range 3 { // base64 of it, wherever it stands in the text
			encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + begin))
			signs = append(signs, []byte(encoded[4:len(encoded)-4]))
		}
	}
	encrypted := 0
	err := filepath.WalkDir(c.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if strings.HasSuffix(path, ".age") {
			encrypted++
		}
		content, err := os.ReadFile(path)
		for _, sign := range signs {
			if bytes.Contains(content, sign) {
				t.Errorf("%s has a key in clear: %s", path, sign)
			}
		}
		return err
	})
	if err != nil || encrypted < 15 {
		t.Errorf("%d encrypted files, %v", encrypted, err)
	}
}
