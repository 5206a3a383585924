//go:build lab

package e2e

import (
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// testCluster runs everything that can share one cluster of three machines: two
// that Ignition set up, and a worker that cloud-init did. Its parts run in this
// order, and each leaves the cluster as kbm up would make it, so that any of
// them runs alone: go test -tags lab ./e2e -run TestLab/cluster/dns
func testCluster(t *testing.T) {
	c := harness.New(t, nil)
	ownKey(t, c)
	c.AddNode(t, harness.Node{Name: "cp1", Role: "controller"})
	c.AddNode(t, harness.Node{Name: "w1", Role: "worker", Args: []string{
		"--os", "debian", "--media", "nocloud", "--label", "example.com/disk=ssd", "--taint", "example.com/video=yes:PreferNoSchedule",
	}})
	c.AddNode(t, harness.Node{Name: "ed1", Role: "edge"})
	c.LabUpStocked(t)
	up := c.Kbm(t, "up")
	if up.Code != 0 {
		t.Fatalf("kbm up: %s", up.All())
	}
	startProbes(t, c)

	t.Run("up says what it did", func(t *testing.T) { upSaysWhatItDid(t, up) })
	for _, part := range []struct {
		name string
		run  func(*testing.T, *harness.Cluster)
	}{
		{"nothing to do", nothingToDo},
		{"first boots", firstBoots},
		{"kubelets are verified", kubeletsAreVerified},
		{"logs, exec, port-forward", logsExecPortForward},
		{"dns", dns},
		{"pods and services", podsAndServices},
		{"large packets", largePackets},
		{"anonymous", anonymous},
		{"secrets", secrets},
		{"pod security", podSecurity},
		{"keys are private", keysArePrivate},
		{"node labels", nodeLabels},
		{"objects changed by hand", objectsChangedByHand},
		{"kubeconfig", kubeconfig},
		{"resolvers", editResolvers},
		{"files changed by hand", filesChangedByHand},
		{"API server", editAPIServer},
		{"units stopped by hand", unitsStoppedByHand},
		{"adopted worker", adoptedWorker},
		{"kube-system", kubeSystem},
		{"no certificate is complained about", noCertificateComplaint},
		{"reboot", reboot},
		{"pages", pagesAreTrue},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, c) })
	}
}
