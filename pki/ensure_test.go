package pki

import (
	"crypto/rand"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/cluster"
)

func TestSecondEnsureWritesNothing(t *testing.T) {
	c := testCluster(t)
	first := mustEnsure(t, c, now)
	if len(first.Changes) == 0 {
		t.Fatal("the first Ensure tells of nothing")
	}
	before := tree(t, c)
	second := mustEnsure(t, c, now.Add(time.Hour))
	if len(second.Changes) != 0 {
		t.Errorf("the second Ensure changed %v", changed(second))
	}
	if !maps.Equal(before, tree(t, c)) {
		t.Error("files differ after the second Ensure")
	}
	for _, name := range []Name{CA, Admin, FrontProxyClient} {
		if string(first.Get(name).Key) != string(second.Get(name).Key) {
			t.Errorf("%s: the second set has another key", name)
		}
	}
}

// reissued runs Ensure after a change of the spec and lists what was written.
func reissued(t *testing.T, c *cluster.Cluster, at time.Time) []string {
	t.Helper()
	before := tree(t, c)
	mustEnsure(t, c, at)
	var names []string
	for name, content := range tree(t, c) {
		if before[name] != content {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestOnlyWhatChangedIsReissued(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*cluster.Cluster)
		want   []string
	}{
		{"an extra SAN", func(c *cluster.Cluster) { c.PKI.ExtraSANs = append(c.PKI.ExtraSANs, "new.example.org") }, []string{
			"nodes/cp1/apiserver.crt", "nodes/cp1/apiserver.key",
			"nodes/cp2/apiserver.crt", "nodes/cp2/apiserver.key",
			"nodes/cp3/apiserver.crt", "nodes/cp3/apiserver.key",
		}},
		{"the same SANs in another order", func(c *cluster.Cluster) { slices.Reverse(c.PKI.ExtraSANs) }, nil},
		{"a worker's address", func(c *cluster.Cluster) { c.Nodes[4].Address = "192.168.1.99/24" }, []string{
			"nodes/w1/kubelet-serving.crt", "nodes/w1/kubelet-serving.key", "nodes/w1/ssh_host_ed25519_key-cert.pub",
		}},
		{"the name to reach a worker at", func(c *cluster.Cluster) { c.Nodes[4].SSH.Host = "other.lan" }, []string{
			"nodes/w1/ssh_host_ed25519_key-cert.pub",
		}},
		{"a removed node", func(c *cluster.Cluster) { c.Nodes = c.Nodes[:4] }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := testCluster(t)
			mustEnsure(t, c, now)
			test.change(c)
			if got := reissued(t, c, now); !slices.Equal(got, test.want) {
				t.Errorf("reissued %q\nwant     %q", got, test.want)
			}
			if got := reissued(t, c, now); got != nil {
				t.Errorf("reissued again: %q", got)
			}
		})
	}
}

func TestLeavesAreRenewedBeforeTheyExpire(t *testing.T) {
	c := testCluster(t)
	mustEnsure(t, c, now)
	if got := reissued(t, c, now.Add(9*30*day)); got != nil {
		t.Errorf("after nine months: %q", got)
	}
	set := mustEnsure(t, c, now.AddDate(0, 11, 0))
	leaves := 0
	for _, change := range set.Changes {
		if !strings.HasSuffix(change.Why, "expires in 31 days") {
			t.Errorf("%s: %s", change.Path, change.Why)
		}
		leaves++
	}
	if want := 8 + 2 + 3*5 + 2*2; leaves != want {
		t.Errorf("%d certificates renewed, want %d", leaves, want)
	}
}

func TestLeavesNeverOutliveTheirCA(t *testing.T) {
	c := testCluster(t)
	mustEnsure(t, c, now)
	late := now.Add(caLife - 30*day)
	set := mustEnsure(t, c, late)
	if end, ca := cert(t, set.Get(Admin)).NotAfter, cert(t, set.Get(CA)).NotAfter; !end.Equal(ca) {
		t.Errorf("admin ends %s, its CA %s", end, ca)
	}
	if got := reissued(t, c, late.Add(day)); got != nil {
		t.Errorf("reissued though the CA allows nothing longer: %q", got)
	}
	_, err := Ensure(store(t, c), c, now.Add(caLife+day), rand.Reader)
	wantError(t, err, "pki/ca.crt", "expired 1 days ago")
}

func TestEnsureNodesReadsNoOtherNode(t *testing.T) {
	c := testCluster(t)
	mustEnsure(t, c, now)
	poison := filepath.Join(c.Dir, NodeDir("cp1"), "apiserver.crt")
	if err := os.WriteFile(poison, []byte("unreadable"), 0o600); err != nil {
		t.Fatal(err)
	}
	c = c.WithNodes(cluster.Node{Name: "w2", Role: cluster.Worker, Address: "192.168.1.22"})
	set, err := EnsureNodes(store(t, c), c, []string{"w2"}, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range set.Changes {
		if !strings.HasPrefix(change.Path, "pki/nodes/w2/") {
			t.Errorf("touched %s", change.Path)
		}
	}
	if len(set.Node("w2").Get(KubeletClient).Key) == 0 || len(set.Node("w2").Get(APIServer).Cert) != 0 {
		t.Error("a worker has a kubelet client key and no apiserver certificate")
	}
	_, err = EnsureNodes(store(t, c), c, []string{"ghost"}, now, rand.Reader)
	wantError(t, err, "node ghost")
}

func TestReadOnlyPlansWithoutWriting(t *testing.T) {
	c := testCluster(t)
	mustEnsure(t, c, now)
	before := tree(t, c)
	c.PKI.ExtraSANs = nil
	set, err := Ensure(ReadOnly{store(t, c)}, c, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	want := "pki/nodes/cp1/apiserver.crt: drops 203.0.113.5, kube.example.org"
	if got := changed(set); len(got) != 3 || got[0] != want {
		t.Errorf("planned %q, want first %q", got, want)
	}
	if !maps.Equal(before, tree(t, c)) {
		t.Error("files were written")
	}
}

func TestAnAddonsCertificateComesWithTheAddon(t *testing.T) {
	c := testCluster(t)
	c.Addons.LoadBalancer = nil
	if set := mustEnsure(t, c, now); set.Get(MetalLBWebhook).Cert != nil || set.Get(MetricsServer).Cert == nil {
		t.Error("MetalLB is off and metrics-server is on, and the certificates do not follow")
	}
	c.Addons.LoadBalancer = &cluster.LoadBalancer{}
	if got := changed(mustEnsure(t, c, now)); !slices.Equal(got, []string{"pki/memberlist.key: new", "pki/metallb-webhook.crt: new"}) {
		t.Errorf("turned on, it brings %q", got)
	}
}
