package harness

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
