//go:build lab

package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// upSendsNothing is kbm up where the machines hold all that it would send.
func upSendsNothing(t *testing.T, c *harness.Cluster) {
	t.Helper()
	up := c.Watch(t, func(e harness.Event, _ *os.Process) {
		if e.Step == pushing && e.Total > 0 {
			t.Errorf("kbm up sends %d bytes to %s, which began with a stock", e.Total, e.Subject)
		}
	}, "up")
	if up.Code != 0 {
		t.Fatalf("kbm up: %s", up.All())
	}
	for _, node := range c.Nodes {
		if again := c.On(t, node.Name, "find /var/lib/containerd/kbm-imported -cnewer /etc/containerd/config.toml -type f"); again != "" {
			t.Errorf("%s loaded images that it had:\n%s", node.Name, again)
		}
	}
}

// stockFiles describes every file of a stock, so that a change of any shows: its
// size, when it was written, and which file it is. Other machines may link to
// those of containerd, which changes nothing but how many names they have.
func stockFiles(t *testing.T, stock string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(stock, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			t.Fatalf("%s: no inode", path)
		}
		files = append(files, fmt.Sprint(path, " ", info.Mode(), " ", st.Uid, " ", st.Gid, " ", info.Size(), " ", info.ModTime().UnixNano(), " ", st.Ino))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// stockUnchanged takes the machines down that began with a stock, and looks
// whether that is as before.
func stockUnchanged(t *testing.T, c *harness.Cluster, stock string, before []string) {
	t.Helper()
	if t.Failed() || os.Getenv("KBM_E2E_DIR") != "" {
		return // somebody wants to look at the machines, or goes on with them
	}
	c.Must(t, "lab", "down")
	after := stockFiles(t, stock)
	for _, file := range before {
		if !slices.Contains(after, file) {
			t.Errorf("the stock was changed: it had %s", file)
		}
	}
	if len(after) != len(before) {
		t.Errorf("the stock has %d files, and had %d", len(after), len(before))
	}
}

// stockIsNobodys: beside the programs and images of the bundle, and what
// containerd made of the images, there is no file with a key in a stock, and
// none with a name of a machine.
func stockIsNobodys(t *testing.T, c *harness.Cluster, stock string) {
	t.Helper()
	ofBundle := c.Must(t, "bundle", "list")
	others := 0
	err := filepath.WalkDir(stock, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(path, stock+"/shared/") {
			return err
		}
		if strings.HasPrefix(path, stock+"/root/") && d.Name() != "stat-cache" {
			if name := strings.TrimSuffix(d.Name(), ".tar"); !strings.Contains(ofBundle, name+" ") {
				t.Errorf("the stock has %s, which is not of the bundle", path)
			}
			return nil
		}
		others++
		content, err := os.ReadFile(path)
		for _, secret := range []string{"PRIVATE KEY", "AGE-SECRET", "ssh-ed25519", "10.90.0."} {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s of the stock has %q in it", path, secret)
			}
		}
		return err
	})
	if err != nil || others < 4 {
		t.Errorf("%d files were looked at: %v", others, err)
	}
}
