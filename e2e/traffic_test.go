//go:build lab

package e2e

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// traffic is a cluster with every addon on, and the servers outside it that the
// addons speak to.
type traffic struct {
	*harness.Cluster
	acme, private *x509.CertPool // roots, each by itself
	all           *x509.CertPool // these, and that of the servers outside
}

// testTraffic runs everything about requests from outside that can share one
// cluster: real DNS, a real ACME server, a real sign-in. Its parts run in this
// order, and each of them also runs alone: go test -tags lab ./e2e -run TestLab/traffic/sign-in
func testTraffic(t *testing.T) {
	c := harness.New(t, nil,
		harness.Node{Name: "cp1", Role: "controller", Args: resolves},
		harness.Node{Name: "w1", Role: "worker", Args: resolves},
		harness.Node{Name: "w2", Role: "worker", Args: resolves},
		harness.Node{Name: "ed1", Role: "edge", Args: resolves},
	)
	c.LabUpStocked(t)
	x := trafficOn(t, c)
	up := x.Kbm(t, "up")
	if up.Code != 0 {
		t.Fatalf("kbm up: %s", up.All())
	}
	x.Apply(t, strings.ReplaceAll(apps, "AGNHOST", agnhost(t, c)))
	plantSeeds(t, x)
	startHAProxy(t, x)

	for _, part := range []struct {
		name string
		run  func(*testing.T, *traffic)
	}{
		{"names lead in", namesLeadIn},
		{"certificate by http01", certificateByHTTP01},
		{"certificate of the private CA", certificateOfPrivateCA},
		{"classes are kept apart", classesAreKeptApart},
		{"nothing else answers", nothingElseAnswers},
		{"client address", clientAddress},
		{"Gateway API", gatewayAPI},
		{"nothing matches", nothingMatches},
		{"basic auth", basicAuth},
		{"sign-in", signIn},
		{"rate limit", rateLimit},
		{"allow list", allowList},
		{"sticky cookie", stickyCookie},
		{"through HAProxy", throughHAProxy},
		{"seeds", seeds},
		{"records go with their Ingress", recordsGo},
		{"kubectl top", kubectlTop},
		{"certificate by dns01", certificateByDNS01}, // cert-manager waits for a minute
		{"nothing to do", nothingToDoWithAddons},
		{"the announcing node loses power", announcerLosesPower},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, x) })
	}
	t.Logf("kbm up with all addons took %s", up.Took.Round(time.Millisecond))
	t.Run("addons go", func(t *testing.T) { addonsGo(t, x) })
}

// resolves are flags of kbm add-node: the test's server answers for all names
// that there are.
var resolves = []string{"--dns", harness.Gateway}

// trafficOn starts the servers on the machine outside and writes the spec of
// the addons, with what it needs.
func trafficOn(t *testing.T, c *harness.Cluster) *traffic {
	t.Helper()
	tsig := startBind(t, c)
	client := startSSO(t, c, "auth.example.com", "app1.k8s.example.com", "application.encompasshost.com")
	root := startACME(t, c)
	c.Env = append(c.Env, "TSIG_KEY="+tsig, "OIDC_SECRET="+client)
	once(t, filepath.Join(c.Dir, "auth"), func() string { return "someuser:" + hashed(t, "somepassword") + "\n" })
	once(t, filepath.Join(c.Dir, "manifests", "own.yaml"), func() string { return ownManifest })
	ca, _, _ := serversCA(t, c)
	private := filepath.Join(c.Dir, "pki/private-ca.crt")
	if _, err := os.Stat(private); err != nil {
		// What the addons need has to be open by itself.
		c.Edit(t, "cluster.yaml", "\nsecurity:\n", "\nsecurity:\n  firewall: {roles: [edge, worker], admin: [10.90.0.1/32]}\n")
		setAddons(t, c, "addons: {certs: {}}\n")
		c.Must(t, "render") // the private CA is made with the certificates
		readAuthority(t, private, filepath.Join(c.Dir, "pki/private-ca.key")).
			issue(t, filepath.Join(c.Dir, "seed.crt"), filepath.Join(c.Dir, "seed.key"), "*.encompasshost.com")
	}
	setAddons(t, c, addonsSection)
	return &traffic{c, trusting(t, root), trusting(t, private), trusting(t, root, private, ca)}
}

// setAddons replaces the last section of cluster.yaml.
func setAddons(t *testing.T, c *harness.Cluster, section string) {
	t.Helper()
	before, _, found := strings.Cut(c.Read(t, "cluster.yaml"), "\naddons:")
	if !found {
		t.Fatal("cluster.yaml has no addons")
	}
	if err := os.WriteFile(filepath.Join(c.Dir, "cluster.yaml"), []byte(before+"\n"+section), 0o644); err != nil {
		t.Fatal(err)
	}
}

// checkout is the folder of the sources.
func checkout(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
