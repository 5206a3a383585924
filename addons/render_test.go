package addons

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kbm-dev/kbm/cluster"
)

var update = flag.Bool("update", false, "write the goldens")

// examples are the folders that tests share.
const examples = "../testdata/clusters"

// clusters are small, and each takes another way through the templates.
func clusters() map[string]*cluster.Cluster {
	home := &cluster.Cluster{
		Name:     "home",
		Endpoint: cluster.Endpoint{Host: "192.168.1.11"},
		Nodes:    []cluster.Node{{Name: "cp1", Role: cluster.Controller, Address: "192.168.1.11/24"}},
	}
	lan := &cluster.Cluster{
		Name:       "lan",
		Kubernetes: cluster.Kubernetes{Version: "v1.36.4"},
		Endpoint:   cluster.Endpoint{Host: "api.lan.example", Port: 8443},
		Network: cluster.Network{
			PodCIDR: "10.4.0.0/16", ServiceCIDR: "10.5.0.0/16", Domain: "lan.example",
			Resolvers: []string{"192.168.1.1", "192.168.1.2"}, MTU: 9000,
		},
	}
	six := &cluster.Cluster{Name: "six", Endpoint: cluster.Endpoint{VIP: "fd00::10"}}
	return map[string]*cluster.Cluster{
		"home": home.WithDefaults(), "lan": lan.WithDefaults(), "six": six.WithDefaults(),
	}
}

func TestRenderGolden(t *testing.T) {
	all := clusters()
	full, err := cluster.Load(filepath.Join(examples, "full"))
	if err != nil {
		t.Fatal(err)
	}
	all["full"] = full
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			got := rendered(t, c)
			golden := filepath.Join("testdata", "golden", name+".yaml")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("rendered manifests differ from %s: look, then run with -update", golden)
			}
		})
	}
}

// rendered is all that a cluster gets, without the definitions of custom
// resources: those are other people's text.
func rendered(t *testing.T, c *cluster.Cluster) []byte {
	t.Helper()
	all, err := Render(c, Review{Dir: c.Dir})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, a := range all {
		a.Objects = slices.DeleteFunc(a.Objects, func(o *unstructured.Unstructured) bool {
			if o.GetKind() == crdKind {
				fmt.Fprintf(&out, "# addon %s: %s\n", a.Name, describe(o))
			}
			return o.GetKind() == crdKind
		})
		text, err := a.YAML()
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	return out.Bytes()
}

func TestEveryFolderIsRenderedInOrder(t *testing.T) {
	all, err := Render(clusters()["home"], Review{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range all {
		names = append(names, a.Name)
		if a.Description == "" || len(a.Objects) == 0 {
			t.Errorf("addon %s: no description or no objects", a.Name)
		}
	}
	if got, want := strings.Join(names, " "), "rbac network kube-proxy coredns"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestExampleClustersRender is for the folders that tests share.
func TestExampleClustersRender(t *testing.T) {
	folders, err := os.ReadDir(examples)
	if err != nil || len(folders) == 0 {
		t.Fatalf("no examples in %s: %v", examples, err)
	}
	for _, folder := range folders {
		c, err := cluster.Load(filepath.Join(examples, folder.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all, err := Render(c, Review{Dir: c.Dir})
		if err != nil {
			t.Errorf("%s: %v", folder.Name(), err)
		}
		for _, a := range all {
			for _, o := range a.Objects {
				if err := complete(o.Object); err != nil {
					t.Errorf("%s: %s: %v", folder.Name(), describe(o), err)
				}
			}
		}
	}
}

// complete refuses values that nothing was filled in for.
func complete(value any) error {
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			if err := complete(child); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	case []any:
		for _, child := range v {
			if err := complete(child); err != nil {
				return err
			}
		}
	case nil:
		return errors.New("is empty")
	case string:
		if strings.Contains(v, "<no value>") || strings.Contains(v, "invalid IP") {
			return errors.New(v)
		}
	}
	return nil
}

func TestChangedConfigRollsItsPodsOnly(t *testing.T) {
	before, after := clusters()["home"], clusters()["home"]
	after.Network.Resolvers = []string{"192.168.1.1"}
	if changed := differing(t, before, after); strings.Join(changed, ",") != "ConfigMap kube-system/coredns,Deployment kube-system/coredns" {
		t.Errorf("other resolvers change %q", changed)
	}
}

func differing(t *testing.T, a, b *cluster.Cluster) []string {
	t.Helper()
	render := func(c *cluster.Cluster) (names []string, texts [][]byte) {
		all, err := Render(c, Review{Dir: c.Dir})
		if err != nil {
			t.Fatal(err)
		}
		for _, addon := range all {
			for _, o := range addon.Objects {
				text, err := yaml.Marshal(o.Object)
				if err != nil {
					t.Fatal(err)
				}
				names, texts = append(names, describe(o)), append(texts, text)
			}
		}
		return names, texts
	}
	names, before := render(a)
	_, after := render(b)
	var out []string
	for i := range before {
		if !bytes.Equal(before[i], after[i]) {
			out = append(out, names[i])
		}
	}
	return out
}

func TestRenderRefuses(t *testing.T) {
	const object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
	for name, tc := range map[string]struct{ meta, manifest, want string }{
		"a missing image":        {"order: 1", object + "data: {image: '{{ .Images.nosuch }}'}", "nosuch"},
		"a missing value":        {"order: 1", object + "data: {v: '{{ .Cluster.NoSuch }}'}", "NoSuch"},
		"an unknown key of meta": {"ordre: 1", object, "ordre"},
		"no object":              {"order: 1", object + "---\nkind: ConfigMap\n", "document 2"},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := fstest.MapFS{
				"bad/addon.yaml": {Data: []byte(tc.meta)},
				"bad/x.yaml":     {Data: []byte(tc.manifest)},
			}
			_, err := renderAll(fsys, values{Cluster: clusters()["home"], Images: map[string]string{}})
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "addon bad") {
				t.Errorf("got %v, want an error that names the addon and %s", err, tc.want)
			}
		})
	}
}
