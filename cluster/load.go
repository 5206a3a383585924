package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The places of a cluster's folder that this package reads.
const (
	File     = "cluster.yaml"
	NodesDir = "nodes"
)

// Load reads a cluster's folder: strictly, with defaults applied, and
// validated as a whole. A spec with faults gives Faults, which names all of
// them. The cluster may still lack nodes: see ReadyForUp.
func Load(dir string) (*Cluster, error) {
	c, faults, err := read(dir)
	if err != nil {
		return nil, err
	}
	if c == nil {
		faults.Sort()
		return nil, faults.Err()
	}
	c = c.WithDefaults()
	faults = append(faults, unseen(c.Validate(), faults)...)
	faults.Sort()
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// read gives the folder as it is written; a nil cluster when some file is not
// YAML, so that nothing can be said about the whole.
func read(dir string) (*Cluster, Faults, error) {
	text, err := os.ReadFile(filepath.Join(dir, File))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Faults{{
			File: filepath.Join(dir, File), Wrong: "does not exist",
			Right: "make a cluster with kbm init, or name its folder with --dir",
		}}, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the cluster: %w", err)
	}
	c, faults := Parse(File, text)
	nodes, whole, more, err := readNodes(dir)
	faults = append(faults, more...)
	if err != nil || c == nil || !whole {
		return nil, faults, err
	}
	c.Dir = dir
	c.Nodes = nodes
	c.sortNodes()
	return c, faults, nil
}

// readNodes tells also whether all of them could be read at all.
func readNodes(dir string) (nodes []Node, whole bool, faults Faults, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, NodesDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil, fmt.Errorf("read the nodes: %w", err)
	}
	nodes, whole = make([]Node, 0, len(entries)), true
	for _, e := range entries {
		file := NodesDir + "/" + e.Name()
		name, isYAML := strings.CutSuffix(e.Name(), ".yaml")
		if short, isYML := strings.CutSuffix(name, ".yml"); isYML {
			faults = append(faults, Fault{File: file, Wrong: "would not be read", Right: "name it " + short + ".yaml"})
		}
		if !isYAML || strings.HasPrefix(name, ".") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return nil, false, nil, fmt.Errorf("read the nodes: %w", err)
		}
		n, more := ParseNode(file, text)
		faults = append(faults, more...)
		if n == nil {
			whole = false
			continue
		}
		if n.Name != name && n.Name != "" {
			faults = append(faults, Fault{
				File: file, Path: "name", Value: n.Name, Wrong: "is not the file's name",
				Right: fmt.Sprintf("write %s, or name the file %s/%s.yaml", name, NodesDir, n.Name),
			})
		}
		n.Source = file
		nodes = append(nodes, *n)
	}
	return nodes, whole, faults, nil
}

// NodeFile is the place of a node's spec, relative to the cluster's folder.
func NodeFile(name string) string { return NodesDir + "/" + name + ".yaml" }

// unseen leaves out what is said of a place that already has a fault: a value
// that could not be read is not missing too.
func unseen(faults, before Faults) Faults {
	type place struct{ file, path string }
	seen := map[place]bool{}
	for _, f := range before {
		seen[place{f.File, f.Path}] = true
	}
	rest := Faults{}
	for _, f := range faults {
		if !seen[place{f.File, f.Path}] {
			rest = append(rest, f)
		}
	}
	return rest
}
