package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// folder makes a cluster's folder from files by name.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	clusterText = "apiVersion: kbm/v1alpha1\nkind: Cluster\nname: home\nendpoint: {host: api.example.com}\n"
	nodeText    = "apiVersion: kbm/v1alpha1\nkind: Node\nname: w1\nrole: worker\naddress: 192.168.1.12\n"
)

func TestExampleClusters(t *testing.T) {
	dirs, err := filepath.Glob("../testdata/clusters/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal("there are no examples", err)
	}
	for _, dir := range dirs {
		c, err := Load(dir)
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		if err := c.ReadyForUp(); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no cluster":         {map[string]string{"x": ""}, "kbm init"},
		"empty":              {map[string]string{File: "# nothing\n"}, "cluster.yaml: is empty"},
		"no YAML":            {map[string]string{File: "a: b: c\n"}, "cluster.yaml: line 1: mapping values are not allowed"},
		"a tab":              {map[string]string{File: "a:\n\tb: c\n"}, "cluster.yaml: line 2: "},
		"a list":             {map[string]string{File: "- a\n"}, "cluster.yaml: is not a mapping"},
		"a word":             {map[string]string{File: "hello\n"}, "cluster.yaml: is not a mapping"},
		"two documents":      {map[string]string{File: clusterText + "---\n" + clusterText}, "2 documents"},
		"a node for cluster": {map[string]string{File: nodeText}, `kind: "Node"`},
		"another version":    {map[string]string{File: strings.Replace(clusterText, "v1alpha1", "v2", 1)}, "write kbm/v1alpha1"},
		"node not YAML":      {map[string]string{File: clusterText, "nodes/w1.yaml": "{"}, "nodes/w1.yaml: line "},
		"node elsewhere":     {map[string]string{File: clusterText, "nodes/w2.yaml": nodeText}, "write w2, or name the file nodes/w1.yaml"},
		"name of a wrong type": {
			map[string]string{File: clusterText, "nodes/w1.yaml": strings.Replace(nodeText, "name: w1", "name: 1", 1)}, "w1.yaml: name: is a number; write a string",
		},
		"label of a wrong type": {
			map[string]string{File: clusterText, "nodes/w1.yaml": nodeText + "labels: {a: 1}\n"}, "w1.yaml: labels: has in it a number; write a string",
		},
		"yml": {map[string]string{File: clusterText, "nodes/w1.yml": nodeText}, "name it w1.yaml"},
		"keys differ by case": {
			map[string]string{File: clusterText + "Kubernetes: {version: v1.37.1}\n"}, "Kubernetes: is not a key",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Load(folder(t, row.files))
			var faults Faults
			if c != nil || !errors.As(err, &faults) || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v and %v, want %q", c, err, row.want)
			}
		})
	}
}

// A private key that was pasted into the wrong place must not reach a log.
func TestFaultsNeverRepeatAPrivateKey(t *testing.T) {
	dir := folder(t, map[string]string{File: clusterText + `
ssh:
  authorizedKeys: ["-----BEGIN OPENSSH PRIVATE KEY----- c2VjcmV0"]
secrets:
  recipients: [AGE-SECRET-KEY-1SECRET]
`})
	_, err := Load(dir)
	if err == nil || strings.Contains(err.Error(), "c2VjcmV0") || strings.Contains(err.Error(), "1SECRET") {
		t.Errorf("got %v", err)
	}
}

func TestLoadIgnoresOtherFiles(t *testing.T) {
	c, err := Load(folder(t, map[string]string{
		File: clusterText, "nodes/w1.yaml": nodeText, "nodes/README": "hello", "nodes/.w2.yaml.swp": "{", "nodes/.w3.yaml": "{",
	}))
	if err != nil || !reflect.DeepEqual(c.NodeNames(), []string{"w1"}) {
		t.Errorf("got %v, %v", c, err)
	}
}

// A file from Windows: a byte order mark, a comment above the dashes, CR LF.
func TestLoadFromWindows(t *testing.T) {
	text := "\ufeff# a machine\r\n---\r\n" + strings.ReplaceAll(nodeText, "\n", "\r\n")
	c, err := Load(folder(t, map[string]string{File: strings.ReplaceAll(clusterText, "\n", "\r\n"), "nodes/w1.yaml": text}))
	if err != nil || len(c.Nodes) != 1 || c.Nodes[0].Address != "192.168.1.12" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestLoadAppliesDefaults(t *testing.T) {
	c, err := Load(folder(t, map[string]string{File: clusterText + "os: debian\n", "nodes/w1.yaml": nodeText}))
	if err != nil {
		t.Fatal(err)
	}
	n, ok := c.Node("w1")
	if !ok || n.OS != "debian" || c.Endpoint.Port != 6443 || !*c.Security.Audit || c.Kubernetes.Version != DefaultVersion {
		t.Errorf("got %+v with %+v", c, n)
	}
	if a := c.SSHOf(n); a.User != "debian" || a.Host != "192.168.1.12" || a.Port != 22 {
		t.Errorf("got %+v", a)
	}
}

func TestDefaultsLeaveTheOriginalAlone(t *testing.T) {
	c := &Cluster{Nodes: []Node{{Name: "w1"}}}
	c.WithDefaults()
	c.WithNodes(Node{Name: "a"})
	if !reflect.DeepEqual(c, &Cluster{Nodes: []Node{{Name: "w1"}}}) {
		t.Errorf("it became %+v", c)
	}
}

func TestLoadOfAThousandNodes(t *testing.T) {
	files := map[string]string{File: clusterText}
	for i := range 1000 {
		name := fmt.Sprintf("n%d", i)
		files["nodes/"+name+".yaml"] = fmt.Sprintf(`apiVersion: kbm/v1alpha1
kind: Node
name: %s
role: worker
address: 10.1.%d.%d/16
gateway: 10.1.255.254
mac: 52:54:00:00:%02x:%02x
`, name, i/250, i%250+1, i/256, i%256)
	}
	dir := folder(t, files)
	c, err := Load(dir)
	if err != nil || len(c.Nodes) != 1000 {
		t.Errorf("%d nodes: %v", len(c.Nodes), err)
	}
}
