// Package machines makes fresh lab machines through the real program, for the
// benchmarks that need a whole cluster.
package machines

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

// Machines are a lab that kbm made.
type Machines struct {
	Dir   string // the cluster's folder
	Names []string
	Env   []string // NAME=value, beside this process's own
	kbm   string
}

// Address of the machine with this number, from 0.
func Address(i int) string { return "10.87.0." + strconv.Itoa(11+i) }

// Boot makes fresh machines of these roles, the first a controller, without
// starting anything of Kubernetes. They are named cp1, w1, w2, …
func Boot(ctx context.Context, kbm string, roles ...string) (m *Machines, err error) {
	dir, err := os.MkdirTemp("", "kbm-bench-*")
	if err != nil {
		return nil, err
	}
	m = &Machines{kbm: kbm, Dir: filepath.Join(dir, "bench")}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.Close(ctx))
		}
	}()
	if err := m.Run(ctx, "init", "--name", "bench", "--endpoint", Address(0)); err != nil {
		return m, err
	}
	for i, role := range roles {
		name := "w" + strconv.Itoa(i)
		if i == 0 {
			name = "cp1"
		}
		if err := m.Run(ctx, "add-node", name, "--role", role, "--address", Address(i)+"/24", "--gateway", "10.87.0.1"); err != nil {
			return m, err
		}
		m.Names = append(m.Names, name)
	}
	return m, m.Run(ctx, "lab", "up")
}

// Spec puts these sections in the place of that one and all that follow it in
// cluster.yaml, as kbm init writes it.
func (m *Machines) Spec(section, text string) error {
	path := filepath.Join(m.Dir, "cluster.yaml")
	spec, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	kept, _, found := strings.Cut(string(spec), "\n"+section+":")
	if !found {
		return fmt.Errorf("%s has no section %s", path, section)
	}
	return os.WriteFile(path, []byte(kept+"\n"+text), 0o644)
}

// Close removes the machines and the folder.
func (m *Machines) Close(ctx context.Context) error {
	err := m.Run(context.WithoutCancel(ctx), "lab", "down")
	return errors.Join(err, os.RemoveAll(filepath.Dir(m.Dir)))
}

// Command is kbm with the cluster's folder.
func (m *Machines) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, m.kbm, append([]string{"--dir", m.Dir}, args...)...)
	cmd.Env = append(os.Environ(), m.Env...)
	return cmd
}

// Run runs kbm; an error holds what it said.
func (m *Machines) Run(ctx context.Context, args ...string) error {
	_, err := m.Output(ctx, nil, args...)
	return err
}

// Output runs kbm and returns what it wrote to stdout.
func (m *Machines) Output(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	cmd := m.Command(ctx, args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = stdin, &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("kbm %s: %w\n%s%s", strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return string(out), nil
}

// On runs a shell script on one machine, as root.
func (m *Machines) On(ctx context.Context, node, script string) (string, error) {
	return m.Output(ctx, strings.NewReader(""), "ssh", node, "--", "sh", "-euc", script)
}

// Put writes a file on one machine.
func (m *Machines) Put(ctx context.Context, node, path string, content io.Reader) error {
	_, err := m.Output(ctx, content, "ssh", node, "--", "sh", "-euc", `mkdir -p "${1%/*}"; cat >"$1"; chmod 755 "$1"`, "put", path)
	return err
}
