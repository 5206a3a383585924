package media

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/kbm-dev/kbm/bench/internal/program"
)

// measureKbm plans a cluster of n nodes in dir, one of them a controller.
func measureKbm(ctx context.Context, kbm, dir string, n int) (result, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return result{}, err
	}
	list := filepath.Join(dir, "machines.yaml")
	if err := os.WriteFile(list, nodes(n), 0o644); err != nil {
		return result{}, err
	}
	home := filepath.Join(dir, "cluster")
	r := result{nodes: n}
	start := time.Now()
	for _, args := range [][]string{
		{"--dir", home, "init", "--name", "bench", "--endpoint", "api.bench.example"},
		{"--dir", home, "add-node", "--from", list},
	} {
		used, err := program.In(ctx, dir, kbm, args...)
		if err != nil {
			return result{}, err
		}
		r.cpu += used.CPU
		r.peak = max(r.peak, used.Peak)
	}
	r.wall = time.Since(start)
	images, err := filepath.Glob(filepath.Join(home, "build", "*", "*.iso"))
	if err != nil {
		return result{}, err
	}
	if len(images) != n {
		return result{}, fmt.Errorf("kbm made %d images of %d", len(images), n)
	}
	return r, nil
}

// nodes is what add-node --from reads: a stream of Node documents.
func nodes(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		role := "worker"
		if i == 0 {
			role = "controller"
		}
		fmt.Fprintf(&b, `---
apiVersion: kbm/v1alpha1
kind: Node
name: node-%04d
role: %s
address: 192.168.%d.%d/16
gateway: 192.168.255.254
dns: [192.168.255.254]
mac: 52:54:00:00:%02x:%02x
`, i, role, i/250, i%250+1, i/250, i%250)
	}
	return b.Bytes()
}
