package ignition_test

import (
	"bytes"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/pki"
)

// build makes the Machines of an example cluster with fresh keys.
func build(t *testing.T, example string) []ignition.Machine {
	t.Helper()
	return machines(t, load(t, example))
}

// load gives an example cluster a folder of its own.
func load(t *testing.T, example string) *cluster.Cluster {
	t.Helper()
	c, err := cluster.Load(filepath.Join("..", "testdata", "clusters", example))
	if err != nil {
		t.Fatal(err)
	}
	c.Dir = t.TempDir()
	return c
}

// machines issues what the cluster's folder lacks, and builds.
func machines(t *testing.T, c *cluster.Cluster, change ...func(*bundle.Manifest)) []ignition.Machine {
	t.Helper()
	store, err := pki.NewFiles(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := pki.Ensure(store, c, time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	manifest := manifest(c.Kubernetes.Version)
	for _, change := range change {
		change(&manifest)
	}
	var all []ignition.Machine
	for i := range c.Nodes {
		in := ignition.Input{Cluster: c, Node: &c.Nodes[i], PKI: set, Bundle: &manifest}
		m, err := ignition.Build(in)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ignition.Build(in)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(m, again) {
			t.Errorf("%s: two builds of the same input differ", m.Name)
		}
		all = append(all, m)
	}
	return all
}

// manifest is a bundle of the names that nodes need, with made-up sums.
func manifest(version string) bundle.Manifest {
	m := bundle.Manifest{Kubernetes: version, OS: "linux", Arch: "amd64"}
	add := func(kind bundle.Kind, group bundle.Group, path, image string) {
		name := strings.TrimSuffix(filepath.Base(path), ".tar")
		m.Artefacts = append(m.Artefacts, bundle.Artefact{
			Name: name, Kind: kind, Group: group, Path: path, SHA256: strings.Repeat("0", 64), Size: 1, Image: image,
		})
	}
	add(bundle.Binary, bundle.Node, "bin/containerd", "")
	add(bundle.Binary, bundle.Node, "bin/kubelet", "")
	add(bundle.Binary, bundle.Node, "cni/bridge", "")
	add(bundle.Image, bundle.Node, "images/pause.tar", "registry.k8s.io/pause:3.10.1")
	add(bundle.Binary, bundle.Controller, "bin/etcd", "")
	for _, name := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		add(bundle.Image, bundle.Controller, "images/"+name+".tar", "registry.k8s.io/"+name+":"+version)
	}
	add(bundle.Image, bundle.Controller, "images/kube-vip.tar", "ghcr.io/kube-vip/kube-vip:v1.2.2")
	add(bundle.Image, bundle.Lab, "images/agnhost.tar", "registry.k8s.io/e2e-test-images/agnhost:2.66.1")
	add(bundle.Binary, bundle.Bench, "bin/kubeadm", "")
	add(bundle.Image, "ingress", "images/traefik.tar", "docker.io/library/traefik:v3.7.12")
	add(bundle.Image, "metrics-server", "images/metrics-server.tar", "registry.k8s.io/metrics-server/metrics-server:v0.9.0")
	return m
}

var revision = regexp.MustCompile(`KBM_REVISION, value: "[0-9a-f]{16}"`)

// dump lists a Machine; keys, certificates and what is made of them are left
// out, for they differ from run to run.
func dump(m ignition.Machine) []byte {
	var out bytes.Buffer
	for _, d := range m.Dirs {
		fmt.Fprintf(&out, "dir  %s %04o stage %d\n", d.Path, d.Mode, d.Stage)
	}
	for _, u := range m.Units {
		fmt.Fprintf(&out, "unit %s enabled %t started %t\n%s\n", u.Name, u.Enabled, u.Started, indent(u.Content))
	}
	for _, f := range m.Files {
		fmt.Fprintf(&out, "file %s %04o stage %d secret %t restarts %v\n", f.Path, f.Mode, f.Stage, f.Secret, f.Restarts)
		made := f.Secret || f.Artefact != nil || strings.HasSuffix(f.Path, ".crt") || strings.HasSuffix(f.Path, ".pub")
		if !made {
			fmt.Fprintf(&out, "%s\n", indent(revision.ReplaceAllString(string(f.Content), `KBM_REVISION, value: "HASH"`)))
		}
	}
	return out.Bytes()
}

func indent(text string) string {
	return "\t" + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n\t")
}

func TestBuildGolden(t *testing.T) {
	examples, err := filepath.Glob("../testdata/clusters/*")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no example clusters: %v", err)
	}
	for _, example := range examples {
		for _, m := range build(t, filepath.Base(example)) {
			name := filepath.Join("testdata", "build", filepath.Base(example)+"."+m.Name)
			got := dump(m)
			if flag.Lookup("update").Value.String() == "true" {
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatalf("%v: go test ./ignition -update writes it", err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s of %s differs from %s: look, then run with -update", m.Name, example, name)
			}
		}
	}
}

// A certificate that a process reads only at its start must restart it, and no
// other one: the manifest of its pod, and of no other, changes with the file.
func TestManifestFollowsItsFiles(t *testing.T) {
	all := []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-vip"}
	tests := map[string]struct {
		change   func(*cluster.Cluster) string // returns a file in pki/ to issue again
		restarts []string
	}{
		"a name of the API server": {func(c *cluster.Cluster) string {
			c.PKI.ExtraSANs = append(c.PKI.ExtraSANs, "more.example.com")
			return ""
		}, all[:1]},
		"serving certificate": {func(c *cluster.Cluster) string { return "nodes/" + c.Nodes[0].Name + "/apiserver.crt" }, all[:1]},
		"etcd's client":       {func(*cluster.Cluster) string { return "apiserver-etcd-client.crt" }, all[:1]},
		"controller manager":  {func(*cluster.Cluster) string { return "controller-manager.crt" }, all[1:2]},
		"scheduler":           {func(*cluster.Cluster) string { return "scheduler.crt" }, all[2:3]},
		"virtual address":     {func(*cluster.Cluster) string { return "kube-vip.crt" }, all[3:]},
		"a kubelet":           {func(c *cluster.Cluster) string { return "nodes/" + c.Nodes[0].Name + "/kubelet-client.crt" }, nil},
		"CA":                  {func(*cluster.Cluster) string { return "ca" }, all},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := load(t, "ha")
			before := revisions(machines(t, c)[0])
			if file := test.change(c); file == "ca" {
				if err := os.RemoveAll(filepath.Join(c.Dir, "pki")); err != nil {
					t.Fatal(err)
				}
			} else if file != "" {
				if err := os.Remove(filepath.Join(c.Dir, "pki", file)); err != nil {
					t.Fatal(err)
				}
			}
			after := revisions(machines(t, c)[0])
			for _, pod := range all {
				if changes := before[pod] != after[pod]; before[pod] == "" || changes != slices.Contains(test.restarts, pod) {
					t.Errorf("%s: from revision %q to %q", pod, before[pod], after[pod])
				}
			}
		})
	}
}

// revisions are those of a machine's static pods.
func revisions(m ignition.Machine) map[string]string {
	all := map[string]string{}
	for _, f := range m.Files {
		if path.Dir(f.Path) == ignition.ManifestDir {
			all[strings.TrimSuffix(path.Base(f.Path), ".yaml")] = revision.FindString(string(f.Content))
		}
	}
	return all
}

// Only controllers may hold what makes certificates and reads the store.
func TestWorkersHoldNoClusterSecrets(t *testing.T) {
	for _, m := range build(t, "ha") {
		controller := false
		for _, f := range m.Files {
			controller = controller || strings.Contains(f.Path, "kube-apiserver")
		}
		for _, f := range m.Files {
			own := strings.Contains(f.Path, "kubelet") || strings.Contains(f.Path, "ssh_host")
			if f.Secret && !own && !controller {
				t.Errorf("%s, no controller, holds %s", m.Name, f.Path)
			}
			if f.Secret && f.Mode.Perm()&0o077 != 0 {
				t.Errorf("%s: others may read %s", m.Name, f.Path)
			}
		}
	}
}

// The ingress is not root, so where it has the node's own ports the kernel must
// let it; nowhere else.
func TestOnlyNodesOfAnIngressGiveTheirWebPorts(t *testing.T) {
	c := load(t, "ha").WithNodes(cluster.Node{Name: "edge1", Role: cluster.Edge, Address: "10.0.0.31/24"})
	c.Addons.Ingress = &cluster.Ingress{Classes: []cluster.IngressClass{
		{Name: "external", Expose: cluster.HostNetwork, Roles: []cluster.Role{cluster.Edge}},
		{Name: "internal", Expose: cluster.NodePort, Roles: []cluster.Role{cluster.Worker}},
	}}
	for _, m := range machines(t, c) {
		i := slices.IndexFunc(m.Files, func(f ignition.File) bool { return f.Path == "/etc/sysctl.d/90-kbm.conf" })
		gives := strings.Contains(string(m.Files[i].Content), "\nnet.ipv4.ip_unprivileged_port_start = 80\n")
		if n, _ := c.Node(m.Name); gives != (n.Role == cluster.Edge) {
			t.Errorf("%s, %s, gives its web ports: %t", m.Name, n.Role, gives)
		}
	}
}
