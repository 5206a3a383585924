package harness

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/lab"
)

// Gateway is the address of the machine outside the cluster, on which Exec and
// Serve run things and Dial starts from: the nodes' gateway.
const Gateway = "10.90.0.1"

// serverLife bounds what Serve starts, also where the test itself is killed.
const serverLife = "40m"

// Outside is the path of a file that the machine outside has: beside the
// cluster's folder, and kept with it.
func (c *Cluster) Outside(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(c.Dir), "outside", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// Dial opens a connection from the machine outside. The address is IP:port.
func (c *Cluster) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	l, up := lab.Find(c.Dir)
	if !up {
		return nil, errors.New("the lab is not up")
	}
	return l.Dial(ctx, network, address)
}

// Serve runs a server on the machine outside until the test ends, and returns
// when it takes connections at the address, IP:port. One that a kept cluster
// has already is used again. The name is its in the test's log.
func (c *Cluster) Serve(t *testing.T, name, address string, args ...string) {
	t.Helper()
	if c.answers(t, address) == nil {
		return
	}
	log, err := os.Create(c.Outside(t, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := c.Command(context.Background(), append([]string{"lab", "exec", "--", "timeout", serverLife}, args...)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s:\n%s", name, lastLines(log.Name(), 40))
			if os.Getenv("KBM_E2E_KEEP") != "" {
				return
			}
		}
		// timeout passes this signal on; killed, it would leave the server behind.
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // ended, as told
		_ = log.Close()
	})
	c.Eventually(t, 20*time.Second, func() error { return c.answers(t, address) })
}

func (c *Cluster) answers(t *testing.T, address string) error {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	conn, err := c.Dial(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

func lastLines(path string, n int) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.SplitAfter(string(content), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}
