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
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

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

	ctx    context.Context // ends when the test is interrupted
	kbm    string
	shells *shells
}

// New makes a cluster's folder with kbm init, given further flags of it, and
// kbm add-node. No machine runs yet: see LabUp and Up. The first node's address
// is the endpoint unless the flags choose another.
func New(t *testing.T, flags []string, nodes ...Node) *Cluster {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("the lab starts machines, which only root can: run this test as root")
	}
	c := &Cluster{ctx: interruptible(t), kbm: binary(t), shells: &shells{}, Dir: os.Getenv("KBM_E2E_DIR")}
	if c.Dir != "" {
		for _, node := range nodes {
			c.AddNode(t, node)
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
	c.Nodes = append(c.Nodes, node)
	if _, err := os.Stat(filepath.Join(c.Dir, "nodes", node.Name+".yaml")); err == nil && os.Getenv("KBM_E2E_DIR") != "" {
		return node
	}
	c.Must(t, append([]string{"add-node", node.Name, "--role", node.Role, "--address", node.Address + "/24", "--gateway", "10.90.0.1"}, node.Args...)...)
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
