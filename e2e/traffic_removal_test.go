//go:build lab

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// What leaves the spec leaves the cluster, and nothing else does: first one
// addon, then all of them, of which only what others still use is kept, and named.
func addonsGo(t *testing.T, x *traffic) {
	before := inCluster(t, x)
	var want []string
	for document := range strings.SplitSeq(x.Must(t, "addons", "render", "metrics-server"), "\n---\n") {
		var o apiObject
		if err := yaml.Unmarshal([]byte(document), &o); err != nil {
			t.Fatal(err)
		}
		if o.Kind != "" {
			want = append(want, o.String())
		}
	}
	setAddons(t, x.Cluster, strings.Replace(addonsSection, "  metrics: {}\n", "", 1))
	x.Up(t)
	var gone []string
	x.Eventually(t, 30*time.Second, func() error {
		after := inCluster(t, x)
		gone = slices.DeleteFunc(slices.Sorted(maps.Keys(before)), func(o string) bool { return after[o] })
		if slices.Sort(want); !slices.Equal(gone, want) {
			return fmt.Errorf("without metrics these are gone:\n%s\nwant:\n%s", strings.Join(gone, "\n"), strings.Join(want, "\n"))
		}
		return nil
	})

	setAddons(t, x.Cluster, "addons: {}\n")
	up := x.Kbm(t, "up")
	if up.Code != 0 {
		t.Fatalf("kbm up without addons: %s", up.All())
	}
	for _, kept := range []string{"certificates.cert-manager.io", "e2e"} {
		if !strings.Contains(up.All(), kept) {
			t.Errorf("%s is kept for what others have in it, and not named: %s", kept, up.All())
		}
	}
	after := inCluster(t, x)
	for o := range before {
		// These belong to the people who made them.
		if strings.Contains(o, " e2e/") && !strings.HasSuffix(o, "/basic-auth") && !strings.HasSuffix(o, "/own") && !after[o] {
			t.Errorf("%s is gone", o)
		}
	}
	for o := range after {
		for _, namespace := range []string{"ingress", "metallb-system", "external-dns", "cert-manager", "auth"} {
			if strings.Contains(o, " "+namespace+"/") || o == "Namespace /"+namespace {
				t.Errorf("%s is left", o)
			}
		}
	}
	if diff := x.Kbm(t, "diff"); diff.Code != 0 || !strings.HasPrefix(diff.Stdout, "Nothing to do.\n") || !strings.Contains(diff.Stdout, "certificates.cert-manager.io") {
		t.Errorf("what is kept: %s", diff.All())
	}
}

type apiObject struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name            string `json:"name"`
		Namespace       string `json:"namespace"`
		OwnerReferences []any  `json:"ownerReferences"`
	} `json:"metadata"`
}

func (o apiObject) String() string {
	return o.Kind + " " + o.Metadata.Namespace + "/" + o.Metadata.Name
}

// passing are kinds of objects that come and go by themselves, and measurements.
var passing = []string{"Event", "Lease", "Endpoints", "IPAddress", "PodMetrics", "NodeMetrics", "ServiceL2Status"}

// inCluster lists every object of every kind, but for those that another object
// stands for.
func inCluster(t *testing.T, x *traffic) map[string]bool {
	t.Helper()
	kinds := strings.Fields(x.Kubectl(t, "api-resources", "--verbs=list", "-o", "name"))
	var list struct{ Items []apiObject }
	if err := json.Unmarshal([]byte(x.Kubectl(t, "get", strings.Join(kinds, ","), "-A", "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, o := range list.Items {
		made := o.Metadata.Name == "kube-root-ca.crt" || o.Kind == "ServiceAccount" && o.Metadata.Name == "default"
		if len(o.Metadata.OwnerReferences) == 0 && !slices.Contains(passing, o.Kind) && !made {
			all[o.String()] = true
		}
	}
	return all
}
