package addons

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	ssautil "github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

const (
	managedByLabel = "app.kubernetes.io/managed-by"
	partOfLabel    = "app.kubernetes.io/part-of"
	manager        = "kbm"

	// configAnnotation makes pods roll when a ConfigMap that they mount changes:
	// programs read their configuration once.
	configAnnotation = "kbm/config-hash"
)

func render(fsys fs.FS, name string, v values) (Addon, error) {
	m, err := readAbout(fsys, name)
	if err != nil {
		return Addon{}, err
	}
	a := Addon{Name: name, Description: m.Description, order: m.Order}
	files, err := fs.Glob(fsys, name+"/*.yaml")
	if err != nil {
		return Addon{}, err
	}
	for _, file := range files {
		if path.Base(file) == aboutFile {
			continue
		}
		objects, err := renderFile(fsys, file, v)
		if err != nil {
			return Addon{}, fmt.Errorf("%s: %w", path.Base(file), err)
		}
		a.Objects = append(a.Objects, objects...)
	}
	ssautil.SetCommonMetadata(a.Objects, map[string]string{managedByLabel: manager, partOfLabel: name}, nil)
	return a, hashConfigs(a.Objects)
}

func renderFile(fsys fs.FS, file string, v values) ([]*unstructured.Unstructured, error) {
	text, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, err
	}
	t, err := template.New(path.Base(file)).Option("missingkey=error").
		Funcs(sprig.HermeticTxtFuncMap()).Funcs(v.functions()).Parse(string(text))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, v); err != nil {
		return nil, err
	}
	return decode(&out)
}

// decode reads YAML documents. Unlike the library's, it refuses a document that
// is no object, rather than drop what a misspelt key made of it.
func decode(r io.Reader) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(r, 4096)
	for {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(&o.Object)
		switch {
		case errors.Is(err, io.EOF):
			return objects, nil
		case err != nil:
			return nil, err
		case len(o.Object) == 0: // comments only
			continue
		case o.GetAPIVersion() == "" || o.GetKind() == "" || o.GetName() == "":
			return nil, fmt.Errorf("document %d: an object needs apiVersion, kind and metadata.name", len(objects)+1)
		}
		objects = append(objects, o)
	}
}

// hashConfigs notes on each pod template what its ConfigMaps hold.
func hashConfigs(objects []*unstructured.Unstructured) error {
	configs := map[string]any{}
	for _, o := range objects {
		if o.GetKind() == "ConfigMap" {
			configs[o.GetNamespace()+"/"+o.GetName()] = o.Object["data"]
		}
	}
	for _, o := range objects {
		volumes, _, err := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "volumes")
		if err != nil {
			return fmt.Errorf("volumes of %s: %w", describe(o), err)
		}
		var mounted []any
		for _, volume := range volumes {
			source, _ := volume.(map[string]any)
			name, _, _ := unstructured.NestedString(source, "configMap", "name")
			if data, ok := configs[o.GetNamespace()+"/"+name]; ok {
				mounted = append(mounted, data)
			}
		}
		if len(mounted) == 0 {
			continue
		}
		// JSON sorts the keys of a map, so the hash is stable.
		text, err := json.Marshal(mounted)
		if err != nil {
			return fmt.Errorf("hash the configuration of %s: %w", describe(o), err)
		}
		sum := sha256.Sum256(text)
		err = unstructured.SetNestedField(o.Object, hex.EncodeToString(sum[:8]),
			"spec", "template", "metadata", "annotations", configAnnotation)
		if err != nil {
			return fmt.Errorf("hash the configuration of %s: %w", describe(o), err)
		}
	}
	return nil
}

// describe names an object for people: DaemonSet kube-system/flannel.
func describe(o *unstructured.Unstructured) string {
	if o.GetNamespace() == "" {
		return o.GetKind() + " " + o.GetName()
	}
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}
