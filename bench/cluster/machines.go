package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// machines are a lab that kbm made and filled with binaries and images.
type machines struct {
	kbm, dir string
	names    []string
}

func address(i int) string { return "10.87.0." + strconv.Itoa(11+i) }

// boot makes fresh machines of the given number and puts binaries and images
// in place, without starting anything of Kubernetes.
func boot(ctx context.Context, kbm string, size int) (m *machines, err error) {
	dir, err := os.MkdirTemp("", "kbm-bench-*")
	if err != nil {
		return nil, err
	}
	m = &machines{kbm: kbm, dir: filepath.Join(dir, "bench")}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.close(ctx))
		}
	}()
	if err := m.run(ctx, "init", "--name", "bench", "--endpoint", address(0)); err != nil {
		return m, err
	}
	for i := range size {
		name, role := "w"+strconv.Itoa(i), "worker"
		if i == 0 {
			name, role = "cp1", "controller"
		}
		if err := m.run(ctx, "add-node", name, "--role", role, "--address", address(i)+"/24", "--gateway", "10.87.0.1"); err != nil {
			return m, err
		}
		m.names = append(m.names, name)
	}
	if err := m.run(ctx, "lab", "up"); err != nil {
		return m, err
	}
	return m, m.run(ctx, "push")
}

func (m *machines) close(ctx context.Context) error {
	err := m.run(context.WithoutCancel(ctx), "lab", "down")
	return errors.Join(err, os.RemoveAll(filepath.Dir(m.dir)))
}

func (m *machines) command(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, m.kbm, append([]string{"--dir", m.dir}, args...)...)
}

func (m *machines) run(ctx context.Context, args ...string) error {
	_, err := m.output(ctx, nil, args...)
	return err
}

func (m *machines) output(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	cmd := m.command(ctx, args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = stdin, &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("kbm %s: %w\n%s%s", strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return string(out), nil
}

// on runs a shell script on one machine, as root.
func (m *machines) on(ctx context.Context, node, script string) (string, error) {
	return m.output(ctx, strings.NewReader(""), "ssh", node, "--", "sh", "-euc", script)
}

// put writes a file on one machine.
func (m *machines) put(ctx context.Context, node, path string, content io.Reader) error {
	_, err := m.output(ctx, content, "ssh", node, "--", "sh", "-euc", `mkdir -p "${1%/*}"; cat >"$1"; chmod 755 "$1"`, "put", path)
	return err
}
