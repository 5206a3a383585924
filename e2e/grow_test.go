//go:build lab

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// testGrow makes a cluster of one machine, which does everything, one of three
// controllers, while it is used, and in spite of kills. Its folder is encrypted,
// all the way, and the stock that its machines began with is as before when they
// are gone.
func testGrow(t *testing.T) {
	c := newEncrypted(t, []string{"--vip", vip}, harness.Node{Name: "cp1", Role: "controller"})
	noPlainKey(t, c)
	stock := c.Stock(t)
	files := stockFiles(t, stock)
	c.LabUpStocked(t)
	// kbm writes none by itself, because a key is in it.
	if err := os.WriteFile(filepath.Join(c.Dir, "kubeconfig"), []byte(c.Must(t, "kubeconfig")), 0o600); err != nil {
		t.Fatal(err)
	}
	trafficAlone(t, c)
	c.Remove(t, "kubeconfig")
	staysEncrypted(t, c)
	c.AddNode(t, harness.Node{Name: "cp2", Role: "controller"})
	if up := c.Kbm(t, "up"); up.Code != 2 || !strings.Contains(up.Stderr, "2 controllers") {
		t.Errorf("kbm up with two controllers: %s", up.All())
	}
	c.AddNode(t, harness.Node{Name: "cp3", Role: "controller"})
	c.LabUpStocked(t)
	before := running(t, c)
	w := watchAPI(t, c)
	killAt(t, c, moment{"join etcd", 0})
	killAt(t, c, moment{"join etcd", 2 * time.Second})
	c.Up(t)
	w.stop()
	failed, all := w.failed(), len(w.answers)
	if len(failed) > dropped {
		t.Errorf("%d of %d requests failed, more than %d:\n%s", len(failed), all, dropped, strings.Join(failed, "\n"))
	}
	nothingLeftToDo(t, c)
	wantMembers(t, c, 3)
	after := running(t, c)
	for key := range after {
		if !strings.HasPrefix(key, "cp1 ") {
			delete(after, key)
			delete(before, key)
		}
	}
	// Alone they had nobody to agree with on who leads.
	wantChanged(t, "cp1", before, after, "cp1 kube-controller", "cp1 kube-scheduler")
	noPlainKey(t, c)
	stockIsNobodys(t, c, stock)
	stockUnchanged(t, c, stock, files)
}
