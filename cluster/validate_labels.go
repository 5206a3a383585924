package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

func checkLabels(k checker, labels map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		path := "labels[" + key + "]"
		switch {
		case len(validation.IsQualifiedName(key)) > 0:
			k.add(path, key, "is not a label", "write one such as disk or example.com/disk")
		case reserved(key):
			k.add(path, key, "is Kubernetes' or kbm's own to set", "use a prefix of your own, such as example.com/; the role is set with role")
		case len(validation.IsValidLabelValue(labels[key])) > 0:
			k.add(path, labels[key], "is not the value of a label", "use up to 63 letters, digits, '-', '_' and '.'")
		}
	}
}

// Effects lists what a taint can do to a pod.
func Effects() []string { return []string{"NoSchedule", "PreferNoSchedule", "NoExecute"} }

func checkTaints(k checker, taints []Taint) {
	type identity struct{ key, effect string }
	seen := map[identity]bool{}
	for i, t := range taints {
		path := fmt.Sprintf("taints[%d]", i)
		switch {
		case t.Key == "":
			k.missing(path+".key", "write one such as example.com/reserved")
		case len(validation.IsQualifiedName(t.Key)) > 0:
			k.add(path+".key", t.Key, "is not the key of a taint", "write one such as example.com/reserved")
		case reserved(t.Key):
			k.add(path+".key", t.Key, "is Kubernetes' or kbm's own to set", "use a prefix of your own, such as example.com/; the role brings its taint")
		}
		if len(validation.IsValidLabelValue(t.Value)) > 0 {
			k.add(path+".value", t.Value, "is not the value of a taint", "use up to 63 letters, digits, '-', '_' and '.'")
		}
		k.oneOf(path+".effect", t.Effect, Effects())
		if id := (identity{t.Key, t.Effect}); seen[id] {
			k.add(path, t.Key, "is there twice with effect "+t.Effect, "keep one")
		} else {
			seen[id] = true
		}
	}
}

// reserved tells whether a key belongs to Kubernetes or to kbm. The topology
// of the machines is the user's to describe, as the kubelet lets him.
func reserved(key string) bool {
	prefix, name, _ := strings.Cut(key, "/")
	if name == "" {
		return false
	}
	switch key {
	case "topology.kubernetes.io/region", "topology.kubernetes.io/zone", "node.kubernetes.io/instance-type":
		return false
	}
	for _, own := range []string{"kubernetes.io", "k8s.io", "kbm.dev"} {
		if prefix == own || strings.HasSuffix(prefix, "."+own) {
			return true
		}
	}
	return false
}
