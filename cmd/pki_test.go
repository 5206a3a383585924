package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

// kbmIn runs kbm on a folder and returns its exit code and what it printed.
func kbmIn(dir string, args ...string) (int, string) {
	var out bytes.Buffer
	code := Main(context.Background(), append([]string{"--dir", dir}, args...), strings.NewReader(""), &out, &out)
	return code, out.String()
}

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// pkiFolder is a cluster of one controller whose PKI is made.
func pkiFolder(t *testing.T, more string) string {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"cluster.yaml":   "apiVersion: kbm/v1alpha1\nkind: Cluster\nname: home\nendpoint: {host: api.example.com}\n" + more,
		"nodes/cp1.yaml": "apiVersion: kbm/v1alpha1\nkind: Node\nname: cp1\nrole: controller\naddress: 192.168.1.11\n",
	})
	if code, out := kbmIn(dir, "pki", "renew", "--all"); code != exitOK {
		t.Fatal(out)
	}
	return dir
}

func TestPKICommands(t *testing.T) {
	dir := pkiFolder(t, "")
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"pki list", exitOK, "CN=system:node:cp1,O=system:nodes"},
		{"pki renew", exitInput, "name what to renew, or pass --all"},
		{"pki renew apiserver", exitOK, "pki/nodes/cp1/apiserver.crt: renewed\n"},
		{"pki renew --all apiserver", exitInput, "name what to renew, or pass --all"},
		{"pki renew ghost", exitInput, `"ghost" names nothing`},
		{"pki ssh-known-hosts", exitOK, "@cert-authority 192.168.1.11,cp1 ssh-ed25519 "},
		{"pki import " + dir + "/nowhere", exitInput, "import ca.crt: it is missing"},
		{"pki import " + dir + "/pki", exitOK, "Nothing to do."},
		{"pki import " + pkiFolder(t, "") + "/pki", exitInput, "pass --force"},
		{"pki encrypt", exitInput, "secrets.recipients"},
		{"pki lst", exitInput, "is not a command of kbm pki"},
	} {
		if code, out := kbmIn(dir, strings.Fields(test.args)...); code != test.code || !strings.Contains(out, test.want) {
			t.Errorf("kbm %s: exit %d, want %d and %q in:\n%s", test.args, code, test.code, test.want, out)
		}
	}
	code, out := kbmIn(dir, "pki", "list", "-o", "json")
	var entries []struct{ Name, Status string }
	if err := json.Unmarshal([]byte(out), &entries); err != nil || code != exitOK || len(entries) != 16 {
		t.Errorf("exit %d, %d entries: %v", code, len(entries), err)
	}
	for _, e := range entries {
		if e.Status != "ok" {
			t.Errorf("%s: %s", e.Name, e.Status)
		}
	}
}

func TestIdentityFlagAndVariable(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(identityEnv, filepath.Join(t.TempDir(), "key.txt"))
	if err := os.WriteFile(os.Getenv(identityEnv), []byte(id.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := pkiFolder(t, "secrets: {recipients: ["+id.Recipient().String()+"]}\n")
	file := os.Getenv(identityEnv)
	t.Setenv(identityEnv, "")
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"pki", "list"}, exitOK, "ok"},
		{[]string{"pki", "renew", "cp1"}, exitInput, "--identity or KBM_AGE_IDENTITY"},
		{[]string{"pki", "renew", "cp1", "--identity", file + ".gone"}, exitInput, "key.txt.gone"},
		{[]string{"pki", "renew", "cp1", "--identity", filepath.Join(dir, "cluster.yaml")}, exitInput, "neither an age identity"},
		{[]string{"pki", "renew", "cp1", "--identity", file}, exitOK, "pki/nodes/cp1/kubelet-client.crt: renewed"},
	} {
		if code, out := kbmIn(dir, test.args...); code != test.code || !strings.Contains(out, test.want) {
			t.Errorf("kbm %q: exit %d, want %d and %q in:\n%s", test.args, code, test.code, test.want, out)
		}
	}
}

func TestPassphraseIsNotAskedForWithoutATerminal(t *testing.T) {
	const locked = "-----BEGIN AGE ENCRYPTED FILE-----\n"
	dir := pkiFolder(t, "")
	file := filepath.Join(dir, "locked.txt")
	writeFiles(t, dir, map[string]string{"locked.txt": locked, "pki/ca.key.age": "age-encryption.org/v1\n"})
	if err := os.Remove(filepath.Join(dir, "pki/ca.key")); err != nil {
		t.Fatal(err)
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "cluster.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("secrets: {recipients: [" + id.Recipient().String() + "]}\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	code, out := kbmIn(dir, "pki", "renew", "cp1", "--identity", file)
	if code != exitInput || !strings.Contains(out, "Passphrase of "+file) || !strings.Contains(out, "terminal") {
		t.Errorf("exit %d: %s", code, out)
	}
}
