package addons

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	ssautil "github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	kjson "sigs.k8s.io/json"
)

const (
	managedByLabel = "app.kubernetes.io/managed-by"
	partOfLabel    = "app.kubernetes.io/part-of"
	manager        = "kbm"
)

func render(fsys fs.FS, name string, v values) (Addon, error) {
	m, err := readAbout(fsys, name)
	if err != nil {
		return Addon{}, err
	}
	a := Addon{Name: name, Description: m.Description, order: m.Order}
	for _, entry := range m.CRDs {
		module, err := v.expand(aboutFile, entry)
		if err != nil {
			return Addon{}, err
		}
		if module == "" {
			continue
		}
		objects, err := readCRDs(fsys, module)
		if err != nil {
			return Addon{}, err
		}
		a.add("crds of "+module, objects)
	}
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
		a.add(path.Base(file), objects)
	}
	if m.Local {
		if err := v.addManifests(&a); err != nil {
			return Addon{}, err
		}
	}
	ssautil.SetCommonMetadata(a.Objects, map[string]string{managedByLabel: manager, partOfLabel: name}, nil)
	return a, nil
}

func renderFile(fsys fs.FS, file string, v values) ([]*unstructured.Unstructured, error) {
	text, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, err
	}
	out, err := v.expand(path.Base(file), string(text))
	if err != nil {
		return nil, err
	}
	return decode(strings.NewReader(out))
}

// expand carries out a template.
func (v values) expand(name, text string) (string, error) {
	t, err := template.New(name).Option("missingkey=error").
		Funcs(sprig.HermeticTxtFuncMap()).Funcs(v.functions()).Parse(text)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = t.Execute(&out, v)
	if own := (*valueError)(nil); errors.As(err, &own) {
		return "", own // what the user gave is wrong, not the template
	}
	return out.String(), err
}

// decode reads YAML documents. Unlike the library's, it refuses a document that
// is no object, rather than drop what a misspelt key made of it.
func decode(r io.Reader) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(r, 4096)
	for document := 1; ; document++ {
		var text json.RawMessage
		err := decoder.Decode(&text)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		o := &unstructured.Unstructured{}
		if err == nil && len(text) > 0 {
			// As Kubernetes reads JSON: whole numbers stay whole.
			err = kjson.UnmarshalCaseSensitivePreserveInts(text, &o.Object)
		}
		if err == nil && len(o.Object) > 0 { // else comments only
			err = eachObject(o, func(o *unstructured.Unstructured) { objects = append(objects, o) })
		}
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", document, err)
		}
	}
}

// eachObject takes a list apart: kubectl get -o yaml writes one.
func eachObject(o *unstructured.Unstructured, do func(*unstructured.Unstructured)) error {
	if o.IsList() {
		return o.EachListItem(func(item runtime.Object) error {
			return eachObject(item.(*unstructured.Unstructured), do)
		})
	}
	if o.GetAPIVersion() == "" || o.GetKind() == "" || o.GetName() == "" {
		return errors.New("an object needs apiVersion, kind and metadata.name")
	}
	do(o)
	return nil
}

// describe names an object for people: DaemonSet kube-system/flannel.
func describe(o *unstructured.Unstructured) string {
	if o.GetNamespace() == "" {
		return o.GetKind() + " " + o.GetName()
	}
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}
