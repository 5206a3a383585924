package pki

import (
	"crypto/rand"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/cluster"
)

// each visits every certificate that a set must hold, row by row.
func each(c *cluster.Cluster, set *Set, visit func(p profile, at string, pair Pair)) {
	for _, p := range profiles() {
		if p.scope == perCluster {
			visit(p, base(p.name, ""), set.Get(p.name))
			continue
		}
		for i := range c.Nodes {
			if n := &c.Nodes[i]; p.of(n) {
				visit(p, base(p.name, n.Name), set.Node(n.Name).Get(p.name))
			}
		}
	}
}

func TestEveryRowVerifiesForItsUse(t *testing.T) {
	c := testCluster(t)
	set := mustEnsure(t, c, now)
	for _, p := range profiles() {
		if p.isCA() != (len(p.usage) == 0) {
			t.Errorf("%s: a leaf has a use, and a CA has none", p.name)
		}
	}
	each(c, set, func(p profile, at string, pair Pair) {
		leaf := cert(t, pair)
		roots := x509.NewCertPool()
		roots.AddCert(cert(t, set.Get(p.signer)))
		for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
			_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now.Add(time.Hour), KeyUsages: []x509.ExtKeyUsage{usage}})
			if want := p.isCA() || slices.Contains(p.usage, usage); (err == nil) != want {
				t.Errorf("%s: for use %v: %v", at, usage, err)
			}
		}
		if life := leaf.NotAfter.Sub(leaf.NotBefore); !p.isCA() && life != 365*day+5*time.Minute || p.isCA() && life != 3650*day+5*time.Minute {
			t.Errorf("%s lives %s", at, life)
		}
		if leaf.IsCA != p.isCA() {
			t.Errorf("%s: is a CA: %t", at, leaf.IsCA)
		}
		if bits := leaf.SerialNumber.BitLen(); bits < 121 || bits > 128 {
			t.Errorf("%s: serial number of %d bits", at, bits)
		}
		if key, err := parseKey(pair.Key); err != nil || !samePublic(key.Public(), leaf.PublicKey) {
			t.Errorf("%s: key does not fit: %v", at, err)
		}
	})
}

// The table of kubeadm 1.37, and Kubernetes' own rules for node identities.
func TestNamesAreThoseOfKubernetes(t *testing.T) {
	c := testCluster(t)
	set := mustEnsure(t, c, now)
	cp1, w1 := set.Node("cp1"), set.Node("w1")
	for _, test := range []struct {
		pair    Pair
		subject string
		sans    string
	}{
		{set.Get(CA), "CN=kubernetes", "kubernetes"},
		{set.Get(FrontProxyCA), "CN=front-proxy-ca", "front-proxy-ca"},
		{set.Get(EtcdCA), "CN=etcd-ca", "etcd-ca"},
		{set.Get(APIServerKubeletClient), "CN=kube-apiserver-kubelet-client", ""},
		{set.Get(APIServerEtcdClient), "CN=kube-apiserver-etcd-client", ""},
		{set.Get(EtcdHealthcheckClient), "CN=kube-etcd-healthcheck-client", ""},
		{set.Get(FrontProxyClient), "CN=front-proxy-client", ""},
		{set.Get(ControllerManager), "CN=system:kube-controller-manager", ""},
		{set.Get(Scheduler), "CN=system:kube-scheduler", ""},
		{set.Get(Admin), "CN=kubernetes-admin,O=kubeadm:cluster-admins", ""},
		{set.Get(KubeVIP), "CN=kube-vip", ""},
		{set.Get(MetricsServer), "CN=metrics-server", "metrics-server.kube-system.svc"},
		{set.Get(MetalLBWebhook), "CN=metallb-webhook", "metallb-webhook.metallb-system.svc"},
		{w1.Get(KubeletClient), "CN=system:node:w1,O=system:nodes", ""},
		{w1.Get(KubeletServing), "CN=system:node:w1,O=system:nodes", "192.168.1.21 w1"},
		{cp1.Get(EtcdServer), "CN=cp1", "127.0.0.1 192.168.1.11 ::1 cp1 localhost"},
		{cp1.Get(EtcdPeer), "CN=cp1", "127.0.0.1 192.168.1.11 ::1 cp1 localhost"},
		{cp1.Get(APIServer), "CN=kube-apiserver", "10.96.0.1 127.0.0.1 192.168.1.11 203.0.113.5 api.home.example.com cp1 " +
			"kube.example.org kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.cluster.local localhost"},
	} {
		got := cert(t, test.pair)
		if got.Subject.String() != test.subject {
			t.Errorf("subject %s, want %s", got.Subject, test.subject)
		}
		if sans := strings.Join(sansOf(got), " "); sans != test.sans {
			t.Errorf("%s: names %s\nwant %s", test.subject, sans, test.sans)
		}
	}
	for _, name := range []Name{APIServer, EtcdServer, EtcdPeer} {
		if len(w1.Get(name).Cert)+len(w1.Get(name).Key) > 0 {
			t.Errorf("a worker has %s", name)
		}
	}
	each(c, set, func(p profile, at string, pair Pair) {
		want := x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
		if p.isCA() {
			want |= x509.KeyUsageCertSign
		}
		if got := cert(t, pair).KeyUsage; got != want {
			t.Errorf("%s: key usage %b, want %b", at, got, want)
		}
	})
}

func TestOpenSSLVerifiesEveryCertificate(t *testing.T) {
	c := testCluster(t)
	// openssl has the clock of the machine.
	set := mustEnsure(t, c, time.Now())
	each(c, set, func(p profile, at string, _ Pair) {
		dir := filepath.Join(c.Dir, Dir)
		for _, purpose := range map[x509.ExtKeyUsage]string{x509.ExtKeyUsageServerAuth: "sslserver", x509.ExtKeyUsageClientAuth: "sslclient"} {
			out, err := exec.Command("openssl", "verify", "-x509_strict", "-purpose", purpose,
				"-CAfile", filepath.Join(dir, string(p.signer)+".crt"), filepath.Join(dir, at+".crt")).CombinedOutput()
			want := p.isCA() || slices.Contains(p.usage, map[string]x509.ExtKeyUsage{
				"sslserver": x509.ExtKeyUsageServerAuth, "sslclient": x509.ExtKeyUsageClientAuth,
			}[purpose])
			if (err == nil) != want {
				t.Errorf("%s as %s: %s", at, purpose, out)
			}
		}
	})
}

func TestAlgorithms(t *testing.T) {
	for _, name := range []string{"", "ecdsa-p256", "ecdsa-p384", "rsa-2048"} {
		t.Run("algorithm "+name, func(t *testing.T) {
			t.Parallel()
			key, err := algorithm(name).generate(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if got := algorithmOf(key.Public()); got != algorithm(name).orDefault() {
				t.Errorf("made a key of %s", got)
			}
			pem, err := marshalKey(key)
			if err != nil {
				t.Fatal(err)
			}
			if back, err := parseKey(pem); err != nil || !samePublic(back.Public(), key.Public()) {
				t.Errorf("read back: %v", err)
			}
		})
	}
	_, err := algorithm("dsa").generate(rand.Reader)
	wantError(t, err, `"dsa"`, "ecdsa-p256")
}

func TestAnotherAlgorithmReissuesLeavesAndKeepsRoots(t *testing.T) {
	c := testCluster(t)
	first := mustEnsure(t, c, now)
	c.PKI.Algorithm = "ecdsa-p384"
	second := mustEnsure(t, c, now)
	each(c, second, func(p profile, at string, pair Pair) {
		got := algorithmOf(cert(t, pair).PublicKey)
		if want := map[bool]algorithm{true: "ecdsa-p256", false: "ecdsa-p384"}[p.isCA()]; got != want {
			t.Errorf("%s is %s, want %s", at, got, want)
		}
	})
	if string(first.ServiceAccount.Private) != string(second.ServiceAccount.Private) {
		t.Error("the service account's key was replaced")
	}
	want := "pki/admin.crt: its key is ecdsa-p256, not ecdsa-p384"
	if got := changed(second); !slices.Contains(got, want) {
		t.Errorf("changes %q lack %q", got, want)
	}
}

func TestClientCertificateIsKeptNowhere(t *testing.T) {
	c := testCluster(t)
	set := mustEnsure(t, c, now)
	before := tree(t, c)
	pair, err := set.Client("kbm", []string{"system:masters"}, time.Hour, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := cert(t, pair)
	roots := x509.NewCertPool()
	roots.AddCert(cert(t, set.Get(CA)))
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Error(err)
	}
	if !leaf.NotAfter.Equal(now.Add(time.Hour)) || leaf.Subject.String() != "CN=kbm,O=system:masters" {
		t.Errorf("%s until %s", leaf.Subject, leaf.NotAfter)
	}
	if len(tree(t, c)) != len(before) {
		t.Error("a file was written")
	}
	_, err = (&Set{}).Client("kbm", nil, time.Hour, now, rand.Reader)
	wantError(t, err, "cluster CA")
}

func TestServiceAccountAndEncryptionKey(t *testing.T) {
	c := testCluster(t)
	set := mustEnsure(t, c, now)
	key, err := parseKey(set.ServiceAccount.Private)
	if err != nil {
		t.Fatal(err)
	}
	public, err := parsePublic(set.ServiceAccount.Public)
	if err != nil || !samePublic(public, key.Public()) {
		t.Errorf("the public key is another one: %v", err)
	}
	if len(set.EncryptionKey) != 32 {
		t.Errorf("the encryption key has %d bytes", len(set.EncryptionKey))
	}
	if err := os.Remove(filepath.Join(c.Dir, Dir, "sa.pub")); err != nil {
		t.Fatal(err)
	}
	again := mustEnsure(t, c, now)
	if string(again.ServiceAccount.Public) != string(set.ServiceAccount.Public) {
		t.Error("a lost sa.pub is not the same again")
	}
}
