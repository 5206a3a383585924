package ignition_test

import (
	"strings"
	"testing"
)

// Nodes ask the mirrors of registries, in the forms that containerd knows; a
// cluster without any gets nothing of it, and mirrors of programs are not the
// nodes' matter.
func TestNodesKnowTheMirrors(t *testing.T) {
	c := load(t, "ha")
	const config = "/etc/containerd/config.toml"
	for _, m := range machines(t, c) {
		for _, f := range m.Files {
			if strings.HasPrefix(f.Path, "/etc/containerd/certs.d/") || f.Path == config && strings.Contains(string(f.Content), "config_path") {
				t.Errorf("%s has %s without a mirror", m.Name, f.Path)
			}
		}
	}
	c.Bundle.Mirrors = map[string]string{
		"registry.k8s.io": "https://harbor.example.com:8443/k8s/cache/",
		"docker.io":       "http://192.168.1.5:5000",
		"dl.k8s.io":       "https://mirror.example.com/k8s",
		"gcr.io":          "https://mirror.example.com",
	}
	want := map[string]string{
		config: "[plugins.\"io.containerd.cri.v1.images\".registry]\n  config_path = \"/etc/containerd/certs.d\"\n",
		"/etc/containerd/certs.d/registry.k8s.io/hosts.toml": "server = \"https://registry.k8s.io\"\n\n[host.\"https://harbor.example.com:8443/v2/k8s/cache\"]\n" +
			"  capabilities = [\"pull\", \"resolve\"]\n  override_path = true\n",
		"/etc/containerd/certs.d/docker.io/hosts.toml": "server = \"https://registry-1.docker.io\"\n\n[host.\"http://192.168.1.5:5000\"]\n" +
			"  capabilities = [\"pull\", \"resolve\"]\n",
		"/etc/containerd/certs.d/gcr.io/hosts.toml": "server = \"https://gcr.io\"\n",
	}
	for _, m := range machines(t, c) {
		found := 0
		for _, f := range m.Files {
			if text, ok := want[f.Path]; ok && strings.Contains(string(f.Content), text) {
				found++
			}
			if strings.Contains(f.Path, "certs.d/dl.k8s.io") {
				t.Errorf("%s has %s", m.Name, f.Path)
			}
		}
		if found != len(want) {
			t.Errorf("%s has %d of the %d files as they should be", m.Name, found, len(want))
		}
	}
}
