package addons

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	ssautil "github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/json"
)

// crdKind is the kind of an object that makes a kind.
const crdKind = "CustomResourceDefinition"

// versionAnnotation says which version of its module a definition is of. One
// that has it, and is missing, is made without a dry run, which costs the server
// a tenth of a second for each of the large ones.
const versionAnnotation = "kbm/definition-version"

// readCRDs decodes the custom resource definitions of a module. They are the
// text of other projects and not committed: tools/crds takes them from the
// modules, before kbm is built.
func readCRDs(fsys fs.FS, module string) ([]*unstructured.Unstructured, error) {
	file, err := fsys.Open("crds/" + path.Base(module) + ".json.gz")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("this kbm was built without the custom resource definitions of %s: build it with `make build`, or run `go generate ./addons` before `go build`", module)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	objects, err := decodeCRDs(file)
	if err != nil {
		return nil, fmt.Errorf("custom resource definitions of %s: %w", module, err)
	}
	return objects, nil
}

func decodeCRDs(file io.Reader) ([]*unstructured.Unstructured, error) {
	z, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	var list []map[string]any
	// As Kubernetes reads JSON: whole numbers stay whole.
	if err := json.UnmarshalCaseSensitivePreserveInts(text, &list); err != nil {
		return nil, err
	}
	objects := make([]*unstructured.Unstructured, len(list))
	for i := range list {
		objects[i] = &unstructured.Unstructured{Object: list[i]}
	}
	ssautil.SetCommonMetadata(objects, nil, map[string]string{versionAnnotation: z.Comment})
	return objects, nil
}

// definedKinds are the kinds that the addons' definitions make, and whether
// objects of each lie in namespaces.
func definedKinds(all []Addon) map[schema.GroupKind]bool {
	kinds := map[schema.GroupKind]bool{}
	for _, a := range all {
		for _, o := range a.Objects {
			if o.GetKind() == crdKind {
				kinds[definedKind(o)] = text(o, "spec", "scope") == "Namespaced"
			}
		}
	}
	return kinds
}

func definedKind(crd *unstructured.Unstructured) schema.GroupKind {
	return schema.GroupKind{Group: text(crd, "spec", "group"), Kind: text(crd, "spec", "names", "kind")}
}

// text is a field of an object, empty where there is none.
func text(o *unstructured.Unstructured, path ...string) string {
	value, _, _ := unstructured.NestedString(o.Object, path...)
	return value
}
