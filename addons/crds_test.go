package addons

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/kbm-dev/kbm/cluster"
)

func TestDefinitionsComeFirstAndOnlyWhereTheyAreAskedFor(t *testing.T) {
	fsys := fstest.MapFS{
		"crds/api.json.gz": {Data: zipped(t, `[{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"things.example.com"},
			"spec":{"group":"example.com","names":{"kind":"Thing","plural":"things"},"scope":"Namespaced","versions":[{"name":"v1","maximum":9223372036854775807}]}}]`)},
		"a/addon.yaml": {Data: []byte("order: 1\ncrds: ['{{ if eq .Cluster.Name `home` }}example.com/api{{ end }}']")},
		"a/x.yaml":     {Data: []byte("{apiVersion: example.com/v1, kind: Thing, metadata: {name: x}}")},
	}
	objects := func(c *cluster.Cluster) []string {
		t.Helper()
		all, err := renderAll(fsys, values{Cluster: c})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, o := range all[0].Objects {
			names = append(names, describe(o))
		}
		return names
	}
	// Thanks to the definition it is known that a Thing lies in a namespace.
	if got := strings.Join(objects(clusters()["home"]), ", "); got != "CustomResourceDefinition things.example.com, Thing default/x" {
		t.Errorf("with definitions: %s", got)
	}
	if got := strings.Join(objects(clusters()["lan"]), ", "); got != "Thing x" {
		t.Errorf("without: %s", got)
	}
	delete(fsys, "crds/api.json.gz")
	_, err := renderAll(fsys, values{Cluster: clusters()["home"]})
	if err == nil || !strings.Contains(err.Error(), "go generate ./addons") || !strings.Contains(err.Error(), "example.com/api") {
		t.Errorf("got %v, want an error that says how to get the definitions", err)
	}
}

func zipped(t *testing.T, content string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
