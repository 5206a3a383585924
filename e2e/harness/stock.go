package harness

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// EnsureStock has a stock made of all images of the bundle, once on a computer:
// a machine receives them for it, and goes again. Tests are only quicker with
// it: without one, LabUpStocked brings the images itself.
func EnsureStock(t *testing.T) {
	t.Helper()
	if os.Getenv("KBM_E2E_DIR") != "" {
		return // its machines are there already, and shall stay
	}
	// A virtual address, because only then a controller needs kube-vip.
	flags := []string{"--vip", "10.90.0.10"}
	c := New(t, flags)
	if c.Kbm(t, "lab", "stock").Code == 0 {
		return
	}
	c = New(t, append(flags, "--bundle-image", strings.Join(c.images(t), ",")), Node{Name: "cp1", Role: "controller"})
	c.LabUp(t)
	c.Must(t, "push")
	// Another test may have been quicker, whose machines run from it by now.
	if made := c.Kbm(t, "lab", "stock", "cp1"); made.Code != 0 && c.Kbm(t, "lab", "stock").Code != 0 {
		t.Fatalf("kbm lab stock cp1: %s", made.All())
	}
	c.Must(t, "lab", "down")
}

// images are those of the bundle that a cluster may want, beyond what its nodes
// get by themselves.
func (c *Cluster) images(t *testing.T) (names []string) {
	t.Helper()
	var held struct {
		Artefacts []struct{ Name, Kind, Group string }
	}
	if err := json.Unmarshal([]byte(c.Must(t, "bundle", "list", "-o", "json")), &held); err != nil {
		t.Fatal(err)
	}
	for _, a := range held.Artefacts {
		if a.Kind == "image" && a.Group != "node" && a.Group != "controller" && a.Group != "bench" {
			names = append(names, a.Name)
		}
	}
	return names
}

// LabUpStocked is LabUp for machines that hold binaries and images before kbm up
// brings them: for tests that are about something else.
func (c *Cluster) LabUpStocked(t *testing.T, names ...string) {
	t.Helper()
	if r := c.Kbm(t, "lab", "stock"); r.Code != 0 {
		t.Logf("the machines start without a stock: %s", r.All())
		c.LabUp(t, names...)
		c.Must(t, "push")
		return
	}
	c.Must(t, append([]string{"lab", "up", "--stocked"}, names...)...)
}

// Stock is the folder of the stock that LabUpStocked uses, empty if there is none.
func (c *Cluster) Stock(t *testing.T) string {
	t.Helper()
	r := c.Kbm(t, "lab", "stock", "-o", "json")
	if r.Code != 0 {
		return ""
	}
	var stock struct{ Path string }
	if err := json.Unmarshal([]byte(r.Stdout), &stock); err != nil {
		t.Fatal(err)
	}
	return stock.Path
}

// InStock are the paths that every machine has which LabUpStocked starts.
func (c *Cluster) InStock(t *testing.T) map[string]bool {
	t.Helper()
	stock := c.Stock(t)
	if stock == "" {
		return nil
	}
	root, paths := filepath.Join(stock, "root"), map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths[strings.TrimPrefix(path, root)] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
