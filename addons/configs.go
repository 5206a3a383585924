package addons

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// configAnnotation makes pods roll when a ConfigMap or a Secret that they use
// changes: programs read their configuration once.
const configAnnotation = "kbm/config-hash"

// hashConfigs notes on each pod template what its ConfigMaps and Secrets hold.
func hashConfigs(all []Addon) error {
	configs := map[string]any{}
	for _, a := range all {
		for _, o := range a.Objects {
			switch {
			case o.GroupVersionKind().Group != "":
			case o.GetKind() == "ConfigMap", o.GetKind() == "Secret":
				configs[describe(o)] = []any{o.Object["data"], o.Object["binaryData"], o.Object["stringData"]}
			}
		}
	}
	for _, a := range all {
		for _, o := range a.Objects {
			if err := hashConfigsOf(o, configs); err != nil {
				return fmt.Errorf("addon %s: hash the configuration of %s: %w", a.Name, describe(o), err)
			}
		}
	}
	return nil
}

func hashConfigsOf(o *unstructured.Unstructured, configs map[string]any) error {
	template, found, _ := unstructured.NestedMap(o.Object, "spec", "template", "spec")
	if !found || isCustom(o.GroupVersionKind().GroupKind()) {
		return nil
	}
	var pod corev1.PodSpec
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(template, &pod); err != nil {
		return err
	}
	used := map[string]any{}
	for _, config := range configsOf(&pod, o.GetNamespace()) {
		if data, ok := configs[config]; ok {
			used[config] = data
		}
	}
	if len(used) == 0 {
		return nil
	}
	text, err := json.Marshal(used) // which sorts the keys, so the hash is stable
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	return unstructured.SetNestedField(o.Object, hex.EncodeToString(sum[:8]),
		"spec", "template", "metadata", "annotations", configAnnotation)
}

// configsOf names the ConfigMaps and Secrets that a pod uses, as describe does.
func configsOf(pod *corev1.PodSpec, namespace string) []string {
	var used []string
	configMap := func(name string) { used = append(used, "ConfigMap "+namespace+"/"+name) }
	secret := func(name string) { used = append(used, "Secret "+namespace+"/"+name) }
	for i := range pod.Volumes {
		v := &pod.Volumes[i]
		if v.ConfigMap != nil {
			configMap(v.ConfigMap.Name)
		}
		if v.Secret != nil {
			secret(v.Secret.SecretName)
		}
		if v.Projected == nil {
			continue
		}
		for _, source := range v.Projected.Sources {
			if source.ConfigMap != nil {
				configMap(source.ConfigMap.Name)
			}
			if source.Secret != nil {
				secret(source.Secret.Name)
			}
		}
	}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		for _, from := range c.EnvFrom {
			if from.ConfigMapRef != nil {
				configMap(from.ConfigMapRef.Name)
			}
			if from.SecretRef != nil {
				secret(from.SecretRef.Name)
			}
		}
		for _, env := range c.Env {
			if env.ValueFrom == nil {
				continue
			}
			if env.ValueFrom.ConfigMapKeyRef != nil {
				configMap(env.ValueFrom.ConfigMapKeyRef.Name)
			}
			if env.ValueFrom.SecretKeyRef != nil {
				secret(env.ValueFrom.SecretKeyRef.Name)
			}
		}
	}
	return used
}
