package ignition_test

import (
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/ignition"
)

// Online, what was pulled comes from where it was pulled from, or from its
// mirror; what was built still comes from the bundle.
func TestOnlineNodesFetchWhatWasPulled(t *testing.T) {
	c := load(t, "ha")
	pulled := func(b *bundle.Manifest) {
		for i := range b.Artefacts {
			switch a := &b.Artefacts[i]; a.Name {
			case "kubelet":
				a.Source = "https://dl.k8s.io/release/v1.37.1/bin/linux/amd64/kubelet"
			case "bridge":
				a.Source, a.Member = "https://github.com/containernetworking/plugins/cni.tgz", "bridge"
			case "kube-apiserver":
				a.Source = a.Image
			}
		}
	}
	files := func() map[string]*ignition.Artefact {
		found := map[string]*ignition.Artefact{}
		for _, m := range machines(t, c, pulled) {
			for _, f := range m.Files {
				if f.Artefact != nil {
					found[f.Artefact.Name] = f.Artefact
				}
			}
		}
		return found
	}
	for name, a := range files() {
		if a.URL != "" {
			t.Errorf("%s comes from %s, and nobody asked for that", name, a.URL)
		}
	}
	c.Bundle.Online = true
	c.Bundle.Mirrors = map[string]string{"dl.k8s.io": "https://mirror.example.com/k8s"}
	online := files()
	if got := online["kubelet"].URL; got != "https://mirror.example.com/k8s/release/v1.37.1/bin/linux/amd64/kubelet" {
		t.Errorf("kubelet comes from %q", got)
	}
	if a := online["bridge"]; !strings.HasPrefix(a.URL, "https://github.com/") || a.Member != "bridge" || a.SHA256 == "" {
		t.Errorf("bridge is %+v", a)
	}
	if a := online["kube-apiserver"]; a != nil {
		t.Errorf("an image of a registry is sent: %+v", a)
	}
	if a := online["pause"]; a == nil || a.URL != "" {
		t.Errorf("an image that was built is %+v", a)
	}
}
