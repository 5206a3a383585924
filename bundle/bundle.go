// Package bundle is the set of artefacts that a cluster is made of: binaries
// and images, each with its version and sha256, in one folder. kbm sends them
// to the nodes, so a node needs neither a registry nor the internet. The folder
// is made by Build from pinned Go modules, whose every byte a checksum database
// vouches for, or by Pull from upstream's releases, and Pack makes one file of it.
package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/kbm-dev/kbm/cluster"
)

// Kind says what an artefact is on the machine that uses it.
type Kind string

// The kinds of artefact.
const (
	Binary Kind = "binary" // goes to a node as an executable file
	Image  Kind = "image"  // an OCI archive that `ctr images import` takes
	Tool   Kind = "tool"   // runs on this computer, never on a node
)

// Group says who needs an artefact.
type Group string

// The groups of artefacts.
const (
	Node       Group = "node"       // every node
	Controller Group = "controller" // controllers only
	Lab        Group = "lab"        // demo and test images, and the lab's tools
	Bench      Group = "bench"      // what kbm is measured against
	Traffic    Group = "traffic"    // servers that addons are tested against
)

// Addons stands for the groups of all addons where artefacts are chosen. The
// group of an addon has the addon's name: its nodes need the images.
const Addons Group = "addons"

// Groups lists every group, in the order of need.
func Groups() []Group {
	groups := []Group{Node, Controller, Lab, Bench}
	for _, name := range cluster.OptionalAddons() {
		groups = append(groups, Group(name))
	}
	return append(groups, Traffic)
}

func (g Group) isAddon() bool { return slices.Contains(cluster.OptionalAddons(), string(g)) }

// Artefact is one file of the bundle.
type Artefact struct {
	Name    string `json:"name"`
	Kind    Kind   `json:"kind"`
	Group   Group  `json:"group"`
	Version string `json:"version"` // upstream's, v1.37.1
	// Path is slash-separated, inside the bundle's folder: bin/kubelet.
	Path   string `json:"path"`
	SHA256 string `json:"sha256"` // hex, of the file
	Size   int64  `json:"size"`   // bytes
	// Image is the full reference that an image carries; empty otherwise.
	Image string `json:"image,omitempty"`
	// Source is where upstream publishes it, for an artefact that was pulled:
	// the URL of the file or its archive, or the image's reference. It is empty
	// for one that was built.
	Source string `json:"source,omitempty"`
	// Member is its path in the .tar.gz at Source; empty where that is the file.
	Member string `json:"member,omitempty"`
}

// Bundle is a folder of artefacts with its manifest.
type Bundle struct {
	dir      string
	manifest Manifest
}

// Open reads the manifest of the bundle in dir. It does not hash anything:
// that is Check's work, and Verify's.
func Open(dir string) (*Bundle, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open bundle %s: %w", dir, err)
	}
	if info, err := os.Stat(abs); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("open bundle %s: it is a file, and a bundle is a folder: unpack it first with `kbm bundle unpack %s`", abs, dir)
	}
	m, err := readManifest(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missingError{abs}
	}
	if err != nil {
		return nil, fmt.Errorf("open bundle %s: %w", abs, err)
	}
	return &Bundle{dir: abs, manifest: m}, nil
}

// missingError says that there is no bundle in a folder. It is an
// fs.ErrNotExist.
type missingError struct{ dir string }

func (e missingError) Error() string {
	return fmt.Sprintf("no bundle in %s: make one with `kbm bundle build`, or fetch one with `kbm bundle pull`", e.dir)
}

func (e missingError) Is(target error) bool { return target == fs.ErrNotExist }

// Manifest returns what the bundle holds.
func (b *Bundle) Manifest() Manifest { return b.manifest }

// Dir returns the bundle's folder as an absolute path.
func (b *Bundle) Dir() string { return b.dir }

// Find returns the artefact of that name.
func (b *Bundle) Find(name string) (Artefact, bool) {
	for _, a := range b.manifest.Artefacts {
		if a.Name == name {
			return a, true
		}
	}
	return Artefact{}, false
}

// File returns the absolute path of an artefact.
func (b *Bundle) File(a Artefact) string {
	return filepath.Join(b.dir, filepath.FromSlash(a.Path))
}
