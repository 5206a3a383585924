// Package harness runs the real kbm on real lab machines for the tests in e2e:
// a test says which nodes it wants and then speaks to the cluster as a person
// would, through kbm and kubectl. Everything is bounded in time, and the lab is
// always taken down, also when a test fails or is interrupted.
//
// $KBM names the binary; unless set, it is built with make. $KBM_E2E_KEEP keeps
// the clusters of failed tests for a look around, and $KBM_E2E_DIR is such a
// cluster to use again, which makes work on a test quick.
package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// commandDeadline is more than any command of a test takes on a busy machine.
const commandDeadline = 4 * time.Minute

// Node is a machine that a cluster shall have.
type Node struct {
	Name, Role string
	Address    string   // chosen by New unless set
	Args       []string // further flags of kbm add-node
}

// Cluster is a cluster's folder and the lab that belongs to it.
type Cluster struct {
	Dir   string
	Nodes []Node
	Env   []string // of every command, after the test's own environment

	ctx context.Context // ends when the test is interrupted
	kbm string
}

// New makes a cluster's folder with kbm init, given further flags of it, and
// kbm add-node. No machine runs yet: see LabUp and Up. The first node's address
// is the endpoint unless the flags choose another.
func New(t *testing.T, flags []string, nodes ...Node) *Cluster {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("the lab starts machines, which only root can: run this test as root")
	}
	c := &Cluster{ctx: interruptible(t), kbm: binary(t), Dir: os.Getenv("KBM_E2E_DIR")}
	if c.Dir != "" {
		for i, node := range nodes {
			node.Address = Address(i)
			c.Nodes = append(c.Nodes, node)
		}
		return c
	}
	c.Dir = folder(t)
	t.Cleanup(func() { c.close(t) })
	init := []string{"init", "--name", "e2e", "--ssh-key=", "--bundle-image", "agnhost"}
	if !strings.Contains(strings.Join(flags, " "), "--vip") && !strings.Contains(strings.Join(flags, " "), "--endpoint") {
		init = append(init, "--endpoint", Address(0))
	}
	c.Must(t, append(init, flags...)...)
	for _, node := range nodes {
		c.AddNode(t, node)
	}
	return c
}

// Address is what New gives to the node with the number i, counted from zero.
func Address(i int) string { return "10.90.0." + strconv.Itoa(11+i) }

// AddNode adds a machine to the folder and returns it with its address.
func (c *Cluster) AddNode(t *testing.T, node Node) Node {
	t.Helper()
	if node.Address == "" {
		node.Address = Address(len(c.Nodes))
	}
	c.Must(t, append([]string{"add-node", node.Name, "--role", node.Role, "--address", node.Address + "/24", "--gateway", "10.90.0.1"}, node.Args...)...)
	c.Nodes = append(c.Nodes, node)
	return node
}

// Address of a node, by its name.
func (c *Cluster) Address(t *testing.T, name string) string {
	t.Helper()
	for _, node := range c.Nodes {
		if node.Name == name {
			return node.Address
		}
	}
	t.Fatalf("no node is called %s", name)
	return ""
}

// LabUp switches machines on, all of them unless some are named.
func (c *Cluster) LabUp(t *testing.T, names ...string) {
	t.Helper()
	c.Must(t, append([]string{"lab", "up"}, names...)...)
}

// Up is kbm up, and its output.
func (c *Cluster) Up(t *testing.T) string {
	t.Helper()
	return c.Must(t, "up")
}

// Result is how a command ended.
type Result struct {
	Stdout, Stderr string
	Code           int
	Took           time.Duration
}

// All is both outputs, for messages.
func (r Result) All() string {
	return fmt.Sprintf("exit code %d after %s\n--- stdout\n%s--- stderr\n%s", r.Code, r.Took.Round(time.Millisecond), r.Stdout, r.Stderr)
}

// Command prepares kbm with the cluster's folder; cancelling ctx kills it -9.
func (c *Cluster) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.kbm, append([]string{"--dir", c.Dir}, args...)...)
	cmd.Env = append(os.Environ(), c.Env...)
	// A child that kept the pipes open must not hold the test.
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// Kbm runs kbm to its end, whatever that is.
func (c *Cluster) Kbm(t *testing.T, args ...string) Result {
	t.Helper()
	return c.run(t, "", args...)
}

func (c *Cluster) run(t *testing.T, stdin string, args ...string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, commandDeadline)
	defer cancel()
	r, err := c.finish(ctx, stdin, args...)
	if err != nil {
		t.Fatalf("kbm %s: %v\n%s", strings.Join(args, " "), err, r.All())
	}
	return r
}

// finish returns an error only for a command that did not come to its own end.
func (c *Cluster) finish(ctx context.Context, stdin string, args ...string) (Result, error) {
	var stdout, stderr bytes.Buffer
	cmd := c.Command(ctx, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	r := Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode(), Took: time.Since(start)}
	var exit *exec.ExitError
	if errors.As(err, &exit) && r.Code >= 0 {
		err = nil
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("ended by the test: %w", context.Cause(ctx))
	}
	return r, err
}

// Must runs kbm, which has to succeed, and returns its standard output.
func (c *Cluster) Must(t *testing.T, args ...string) string {
	t.Helper()
	return c.must(t, "", args...)
}

func (c *Cluster) must(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	r := c.run(t, stdin, args...)
	if r.Code != 0 {
		t.Fatalf("kbm %s: %s", strings.Join(args, " "), r.All())
	}
	return r.Stdout
}

// On runs a shell script on a node as root, which has to succeed, and returns
// its standard output without space at the ends.
func (c *Cluster) On(t *testing.T, node, script string) string {
	t.Helper()
	return strings.TrimSpace(c.must(t, "", "ssh", node, "--", "sh", "-euc", script))
}

// Exec runs a command in the lab's network, outside the machines.
func (c *Cluster) Exec(t *testing.T, args ...string) Result {
	t.Helper()
	return c.Kbm(t, append([]string{"lab", "exec", "--"}, args...)...)
}

// Kubectl runs kubectl, which has to succeed, and returns its standard output
// without space at the ends.
func (c *Cluster) Kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return strings.TrimSpace(c.Must(t, append([]string{"lab", "exec", "--", "kubectl"}, args...)...))
}

// Apply gives a manifest to kubectl apply.
func (c *Cluster) Apply(t *testing.T, manifest string) {
	t.Helper()
	c.must(t, manifest, "lab", "exec", "--", "kubectl", "apply", "-f", "-")
}

// Read a file of the cluster's folder.
func (c *Cluster) Read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(c.Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// Remove deletes a file of the cluster's folder.
func (c *Cluster) Remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(c.Dir, name)); err != nil {
		t.Fatal(err)
	}
}

// Edit replaces text of a file in the cluster's folder, as a person would.
func (c *Cluster) Edit(t *testing.T, name, old, new string) {
	t.Helper()
	content := c.Read(t, name)
	if strings.Count(content, old) != 1 {
		t.Fatalf("%s has %q %d times, not once:\n%s", name, old, strings.Count(content, old), content)
	}
	if err := os.WriteFile(filepath.Join(c.Dir, name), []byte(strings.Replace(content, old, new, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}
