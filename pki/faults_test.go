package pki

import (
	"crypto/rand"
	"crypto/x509"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Damage to a file that kbm wrote: one message that names the file and the
// cure, and nothing written.
func TestDamagedFiles(t *testing.T) {
	half := func(b []byte) []byte { return b[:len(b)/2] }
	junk := func([]byte) []byte { return []byte("junk\n") }
	empty := func([]byte) []byte { return nil }
	for _, test := range []struct {
		file   string
		damage func([]byte) []byte // nil: remove
		want   []string
	}{
		{"ca.crt", half, []string{"pki/ca.crt", "backup"}},
		{"ca.crt", nil, []string{"pki/ca.crt is missing", "backup"}},
		{"ca.key", nil, []string{"pki/ca.key is missing", "backup"}},
		{"ca.key", half, []string{"pki/ca.crt: its key is not a PEM private key", "backup"}},
		{"etcd/ca.key", junk, []string{"pki/etcd/ca.crt: its key", "backup"}},
		{"front-proxy-ca.crt", empty, []string{"pki/front-proxy-ca.crt", "not a PEM certificate", "backup"}},
		{"sa.key", nil, []string{"pki/sa.key is missing", "backup"}},
		{"sa.key", half, []string{"pki/sa.key", "backup"}},
		{"sa.pub", junk, []string{"pki/sa.pub", "backup"}},
		{"encryption.key", nil, []string{"pki/encryption.key is missing", "backup"}},
		{"encryption.key", half, []string{"pki/encryption.key", "32 bytes", "backup"}},
		{"ssh/host-ca", nil, []string{"pki/ssh/host-ca is missing", "backup"}},
		{"ssh/user-ca", half, []string{"pki/ssh/user-ca", "backup"}},
		{"private-ca.key", nil, []string{"pki/private-ca.key is missing", "backup"}},
		{"private-ca.crt", junk, []string{"pki/private-ca.crt", "backup"}},
		{"cookie-secret.key", half, []string{"pki/cookie-secret.key", "32 characters", "remove it"}},
		{"admin.crt", half, []string{"pki/admin.crt", "remove it"}},
		{"nodes/w1/kubelet-client.key", junk, []string{"pki/nodes/w1/kubelet-client.key", "remove it"}},
		{"nodes/cp1/etcd-peer.crt", empty, []string{"pki/nodes/cp1/etcd-peer.crt", "remove it"}},
		{"nodes/w1/ssh_host_ed25519_key", half, []string{"pki/nodes/w1/ssh_host_ed25519_key", "remove it"}},
	} {
		c := testCluster(t)
		mustEnsure(t, c, now)
		at := filepath.Join(c.Dir, Dir, test.file)
		content, err := os.ReadFile(at)
		if err != nil {
			t.Fatal(err)
		}
		if test.damage == nil {
			err = os.Remove(at)
		} else {
			err = os.WriteFile(at, test.damage(content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		before := tree(t, c)
		_, err = Ensure(store(t, c), c, now, rand.Reader)
		wantError(t, err, test.want...)
		if err != nil && strings.Contains(err.Error(), strings.TrimSpace(string(content))) {
			t.Errorf("the message quotes the file: %v", err)
		}
		if !maps.Equal(before, tree(t, c)) {
			t.Errorf("%s: files were written", test.file)
		}
	}
}

// What a killed kbm or a person's rm leaves of leaves is made again.
func TestMissingLeavesAreIssued(t *testing.T) {
	c := testCluster(t)
	mustEnsure(t, c, now)
	for file, want := range map[string]string{
		"nodes/w1/kubelet-client.crt":            "pki/nodes/w1/kubelet-client.crt: new",
		"nodes/w1/kubelet-client.key":            "pki/nodes/w1/kubelet-client.crt: its key was missing",
		"nodes/w1/ssh_host_ed25519_key.pub":      "pki/nodes/w1/ssh_host_ed25519_key.pub: did not match its private key",
		"nodes/w1/ssh_host_ed25519_key-cert.pub": "pki/nodes/w1/ssh_host_ed25519_key-cert.pub: new",
	} {
		if err := os.Remove(filepath.Join(c.Dir, Dir, file)); err != nil {
			t.Fatal(err)
		}
		if got := changed(mustEnsure(t, c, now)); len(got) != 1 || got[0] != want {
			t.Errorf("without %s: %q, want %q", file, got, want)
		}
	}
	other := mustEnsure(t, testCluster(t), now)
	if err := store(t, c).Write(File{"admin.key", other.Get(Admin).Key}); err != nil {
		t.Fatal(err)
	}
	want := "pki/admin.crt: its key belongs to another certificate"
	if got := changed(mustEnsure(t, c, now)); len(got) != 1 || got[0] != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A first Ensure that was killed between two renames leaves roots only, the
// last of them perhaps without its certificate.
func TestFirstEnsureCarriesOnAfterACrash(t *testing.T) {
	c := testCluster(t)
	if err := store(t, c).Write(stopped(t)...); err != nil {
		t.Fatal(err)
	}
	set := mustEnsure(t, c, now)
	if len(set.Get(CA).Cert) == 0 || len(mustEnsure(t, c, now).Changes) != 0 {
		t.Error("the PKI is not whole")
	}
}

// stopped is the first files of an Ensure: the CA's pair and the next key.
func stopped(t *testing.T) []File {
	t.Helper()
	c := testCluster(t)
	r := &recorder{Store: store(t, c)}
	if _, err := Ensure(r, c, now, rand.Reader); err != nil {
		t.Fatal(err)
	}
	return r.files[:3]
}

type recorder struct {
	Store
	files []File
}

func (r *recorder) Write(files ...File) error {
	r.files = append(r.files, files...)
	return r.Store.Write(files...)
}

func TestAnotherClustersCAIsNotTaken(t *testing.T) {
	c := testCluster(t)
	mustEnsure(t, c, now)
	other := mustEnsure(t, testCluster(t), now)
	if err := store(t, c).Write(File{"ca.key", other.Get(CA).Key}); err != nil {
		t.Fatal(err)
	}
	_, err := Ensure(store(t, c), c, now, rand.Reader)
	wantError(t, err, "pki/ca.crt: its key belongs to another certificate")
	if err := store(t, c).Write(File{"ca.key", other.Get(Admin).Key}, File{"ca.crt", other.Get(Admin).Cert}); err != nil {
		t.Fatal(err)
	}
	_, err = Ensure(store(t, c), c, now, rand.Reader)
	wantError(t, err, "pki/ca.crt", "kubernetes-admin is not the certificate of a CA")
}

func TestModes(t *testing.T) {
	c := testCluster(t)
	mustEnsure(t, c, now)
	root := filepath.Join(c.Dir, Dir)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o", name, info.Mode().Perm())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(root, "sa.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = Ensure(store(t, c), c, now, rand.Reader)
	wantError(t, err, "sa.key may be read by others (mode 0644)", "chmod -R go=")
	if err := os.Chmod(filepath.Join(root, "sa.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(root, "ca.crt"), 0o644); err != nil { // public
		t.Fatal(err)
	}
	mustEnsure(t, c, now)
}

func TestStaleNamesEachDifference(t *testing.T) {
	c := testCluster(t)
	set := mustEnsure(t, c, now)
	ca, err := parseAuthority(set.Get(CA))
	if err != nil {
		t.Fatal(err)
	}
	leaf := cert(t, set.Node("w1").Get(KubeletServing))
	n, _ := c.Node("w1")
	for want, change := range map[string]func(*request){
		"":                            func(*request) {},
		"names system:node:w1, not x": func(r *request) { r.cn = "x" },
		"its organisation is system:nodes, not none": func(r *request) { r.orgs = nil },
		"its key usages differ":                      func(r *request) { r.usage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} },
		"its key is ecdsa-p256, not rsa-2048":        func(r *request) { r.algorithm = "rsa-2048" },
		"adds y; drops 192.168.1.21":                 func(r *request) { r.sans = []string{"w1", "y"} },
	} {
		r := leaves(c, n)[1].request(c, n)
		change(&r)
		if got := r.stale(leaf, ca, now); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
