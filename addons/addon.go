// Package addons is everything that runs in a cluster as Kubernetes objects,
// and the engine that brings it there. An addon is a folder: manifests that are
// templates over the spec, and an addon.yaml that says what it is and when its
// turn comes. The engine knows none of them by name.
package addons

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/cluster"
)

// Every folder beside this file that has an addon.yaml is an addon; there is no
// list to add it to. For crds see readCRDs: its pattern matches .gitignore too,
// so that Go compiles before anything was generated.
//
//go:generate go -C ../tools/crds run . ../../addons/crds
//go:embed */*.yaml crds/*
var folders embed.FS

const aboutFile = "addon.yaml"

// Addon is one addon, rendered for a cluster.
type Addon struct {
	Name        string
	Description string
	// Objects are sorted by name of the file, and within it as written.
	// Definitions of custom resources come first.
	Objects []*unstructured.Unstructured

	order   int
	origins []string // of the objects: the file, and which of its objects it is
}

// add takes in the objects of a file.
func (a *Addon) add(file string, objects []*unstructured.Unstructured) {
	for n, o := range objects {
		a.Objects = append(a.Objects, o)
		a.origins = append(a.origins, fmt.Sprintf("%s, object %d", file, n+1))
	}
}

// about is what addon.yaml holds.
type about struct {
	Description string `json:"description"`
	// Order is the turn: what others need comes first.
	Order int `json:"order"`
	// CRDs are the modules whose custom resource definitions it needs, by their
	// paths. An entry is a template; one that comes out empty asks for none.
	CRDs []string `json:"crds,omitempty"`
	// Local takes in the files and folders that the section extra names.
	Local bool `json:"local,omitempty"`
}

// values are what a manifest may use.
type values struct {
	Cluster *cluster.Cluster
	// IPv6 says which family the pods' and services' ranges are of.
	IPv6 bool
	// Images are references by the name of the bundle's component.
	Images map[string]string

	sources Sources
}

// Render gives every addon of a cluster, in order of need. It is pure: the
// same cluster and sources give the same objects. The cluster has its defaults
// filled in.
func Render(c *cluster.Cluster, sources Sources) ([]Addon, error) {
	v := values{
		Cluster: c,
		IPv6:    c.DNSServiceIP().Is6(),
		Images:  bundle.ImageRefs(c.Kubernetes.Version),
		sources: sources,
	}
	return renderAll(folders, v)
}

func renderAll(fsys fs.FS, v values) ([]Addon, error) {
	files, err := fs.Glob(fsys, "*/"+aboutFile)
	if err != nil {
		return nil, fmt.Errorf("list addons: %w", err)
	}
	var all []Addon
	for _, file := range files {
		if off(path.Dir(file), v.Cluster) {
			continue
		}
		a, err := render(fsys, path.Dir(file), v)
		if err != nil {
			return nil, fmt.Errorf("addon %s: %w", path.Dir(file), err)
		}
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b Addon) int {
		if a.order != b.order {
			return a.order - b.order
		}
		return strings.Compare(a.Name, b.Name)
	})
	placeInNamespaces(all)
	if err := checkUnique(all); err != nil {
		return nil, err
	}
	return all, hashConfigs(all)
}

// off tells whether an addon is one that a section of the spec turns on, and is not.
func off(name string, c *cluster.Cluster) bool {
	return slices.Contains(cluster.OptionalAddons(), name) && !slices.Contains(c.Addons.Enabled(), name)
}

func readAbout(fsys fs.FS, name string) (about, error) {
	var m about
	text, err := fs.ReadFile(fsys, path.Join(name, aboutFile))
	if err != nil {
		return m, err
	}
	if err := yaml.UnmarshalStrict(text, &m); err != nil {
		return m, fmt.Errorf("%s: %w", aboutFile, err)
	}
	return m, nil
}

// YAML is the addon as kubectl reads it, one document an object.
func (a Addon) YAML() ([]byte, error) {
	text, err := documents(a.Objects)
	if err != nil {
		return nil, fmt.Errorf("write addon %s: %w", a.Name, err)
	}
	return text, nil
}
