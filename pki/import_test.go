package pki

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/kbm-dev/kbm/cluster"
)

// kubeadm is an /etc/kubernetes/pki with keys in the forms that kubeadm
// writes: SEC 1 and, for the cluster CA, PKCS#1 when it is of RSA.
func kubeadm(t *testing.T, algorithm algorithm) fstest.MapFS {
	t.Helper()
	set := mustEnsure(t, &cluster.Cluster{Name: "old", Dir: t.TempDir()}, now)
	ca, err := issue(request{cn: "kubernetes", ca: true, life: caLife, algorithm: algorithm}, nil, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set.pairs[CA] = ca
	files := fstest.MapFS{}
	put := func(name string, content []byte) { files[name] = &fstest.MapFile{Data: content} }
	for _, p := range roots(nil) {
		put(string(p.name)+".crt", set.Get(p.name).Cert)
		put(string(p.name)+".key", traditional(t, set.Get(p.name).Key))
	}
	put("sa.pub", set.ServiceAccount.Public)
	put("sa.key", traditional(t, set.ServiceAccount.Private))
	put("apiserver.crt", set.Get(Admin).Cert)
	return files
}

func traditional(t *testing.T, content []byte) []byte {
	t.Helper()
	key, err := parseKey(content)
	if err != nil {
		t.Fatal(err)
	}
	if key, ok := key.(*rsa.PrivateKey); ok {
		return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	}
	der, err := x509.MarshalECPrivateKey(key.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

func TestImport(t *testing.T) {
	from := kubeadm(t, "rsa-2048")
	c := testCluster(t)
	changes, err := Import(store(t, c), from, false, now)
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) != 4 {
		t.Errorf("changes %v", changes)
	}
	set := mustEnsure(t, c, now)
	for _, p := range roots(nil) {
		if string(set.Get(p.name).Cert) != string(from[string(p.name)+".crt"].Data) {
			t.Errorf("%s is not the imported one", p.name)
		}
	}
	if string(set.ServiceAccount.Private) != string(from["sa.key"].Data) {
		t.Error("sa.key is not the imported one")
	}
	if cert(t, set.Get(Admin)).CheckSignatureFrom(cert(t, set.Get(CA))) != nil {
		t.Error("admin is not signed by the imported CA")
	}
	if changes, err := Import(store(t, c), from, false, now); err != nil || len(changes) > 0 {
		t.Errorf("again: %v, %v", changes, err)
	}
}

func TestImportReplacesOnlyWhenAsked(t *testing.T) {
	from := kubeadm(t, defaultAlgorithm)
	c := testCluster(t)
	mustEnsure(t, c, now)
	before := tree(t, c)
	_, err := Import(store(t, c), from, false, now)
	wantError(t, err, "pki/ca.crt, pki/front-proxy-ca.crt, pki/etcd/ca.crt, pki/sa.key")
	if differs := (*DiffersError)(nil); !errors.As(err, &differs) || !maps.Equal(before, tree(t, c)) {
		t.Errorf("%v, or files were written", err)
	}
	if _, err := Import(store(t, c), from, true, now); err != nil {
		t.Fatal(err)
	}
	set := mustEnsure(t, c, now)
	want := "pki/nodes/w1/kubelet-client.crt: signed by another CA"
	if got := changed(set); !slices.Contains(got, want) {
		t.Errorf("changes %q lack %q", got, want)
	}
}

func TestImportOfWhatDoesNotFit(t *testing.T) {
	whole, other := kubeadm(t, defaultAlgorithm), kubeadm(t, defaultAlgorithm)
	for _, test := range []struct {
		name   string
		change func(fstest.MapFS)
		want   string
	}{
		{"no etcd CA", func(f fstest.MapFS) { delete(f, "etcd/ca.key") }, "import etcd/ca.key: it is missing"},
		{"another CA's key", func(f fstest.MapFS) { f["ca.key"] = other["ca.key"] }, "import ca.crt: its key belongs to another certificate"},
		{"a leaf for a CA", func(f fstest.MapFS) { f["ca.crt"] = f["apiserver.crt"] }, "import ca.crt: kubernetes-admin is not the certificate of a CA"},
		{"a cut certificate", func(f fstest.MapFS) { f["front-proxy-ca.crt"] = &fstest.MapFile{Data: whole["ca.crt"].Data[:99]} }, "import front-proxy-ca.crt: not a PEM certificate"},
		{"another sa.pub", func(f fstest.MapFS) { f["sa.pub"] = other["sa.pub"] }, "sa.pub does not belong to"},
	} {
		t.Run(test.name, func(t *testing.T) {
			from := maps.Clone(whole)
			test.change(from)
			c := testCluster(t)
			_, err := Import(store(t, c), from, false, now)
			wantError(t, err, test.want)
			if content, err := store(t, c).Read("ca.crt"); content != nil || err != nil {
				t.Error("something was imported")
			}
		})
	}
	_, err := Import(store(t, testCluster(t)), whole, false, now.Add(caLife))
	wantError(t, err, "import ca.crt: expired 0 days ago")
}

func TestRenew(t *testing.T) {
	c := testCluster(t)
	mustEnsure(t, c, now)
	for _, test := range []struct {
		which []string
		want  int
	}{{nil, 8 + 2 + 3*5 + 2*2}, {[]string{"apiserver"}, 3}, {[]string{"w1"}, 2}, {[]string{"nodes/cp1/apiserver", "admin"}, 2}} {
		set, err := Renew(store(t, c), c, test.which, now, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if len(set.Changes) != test.want || !strings.HasSuffix(changed(set)[0], ".crt: renewed") {
			t.Errorf("renew %q: %q", test.which, changed(set))
		}
	}
	for _, which := range []string{"ca", "ghost", "etcd/ca"} {
		_, err := Renew(store(t, c), c, []string{which}, now, rand.Reader)
		wantError(t, err, which, "a CA is never renewed")
	}
}

func TestListNeedsNoIdentityAndTellsWhy(t *testing.T) {
	c := testCluster(t)
	c.Secrets.Recipients = []string{newIdentity(t).Recipient().String()}
	if _, err := Ensure(sealedStore(t, c), c, now, rand.Reader); err != nil {
		t.Fatal(err)
	}
	status := func(path string) string {
		entries, err := List(sealedStore(t, c), c, now.AddDate(0, 2, 0))
		if err != nil {
			t.Fatal(err)
		}
		if want := 4 + 8 + 2 + 3*5 + 2*2; len(entries) != want {
			t.Errorf("%d entries, want %d", len(entries), want)
		}
		i := slices.IndexFunc(entries, func(e Entry) bool { return e.Path == path })
		return entries[i].Status
	}
	if got := status("pki/nodes/cp1/apiserver.crt"); got != StatusOK {
		t.Errorf("status %s", got)
	}
	c.PKI.ExtraSANs = append(c.PKI.ExtraSANs, "more.example.org")
	if got := status("pki/nodes/cp1/apiserver.crt"); got != "adds more.example.org" {
		t.Errorf("status %s", got)
	}
	if err := store(t, c).Write(File{"nodes/w1/kubelet-client.crt", []byte("junk")}); err != nil {
		t.Fatal(err)
	}
	if got := status("pki/nodes/w1/kubelet-client.crt"); got != "not a PEM certificate" {
		t.Errorf("status %s", got)
	}
	c = c.WithNodes(cluster.Node{Name: "w0", Role: cluster.Worker, Address: "192.168.1.30"})
	entries, err := List(sealedStore(t, c), c, now)
	if err != nil || !slices.ContainsFunc(entries, func(e Entry) bool { return e.Node == "w0" && e.Status == "missing" }) {
		t.Errorf("a new node's certificate is not missing: %v", err)
	}
}
