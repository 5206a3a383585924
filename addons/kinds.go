package addons

import (
	"fmt"
	"slices"

	"github.com/fluxcd/cli-utils/pkg/object"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// makers are the groups whose objects make kinds; client-go does not know them.
var makers = []string{"apiextensions.k8s.io", "apiregistration.k8s.io"}

// isCustom tells whether a kind has to be defined in the cluster first: it is in
// no group that is built into the API server.
func isCustom(kind schema.GroupKind) bool {
	return !scheme.Scheme.IsGroupRegistered(kind.Group) && !slices.Contains(makers, kind.Group)
}

// withoutNamespace are the kinds, of those built in, whose objects lie in none.
// TestKindsWithoutNamespace holds them against an API server.
var withoutNamespace = map[string][]string{
	"":                             {"Namespace", "Node", "PersistentVolume"},
	"admissionregistration.k8s.io": {"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration"},
	"apiextensions.k8s.io":         {"CustomResourceDefinition"},
	"apiregistration.k8s.io":       {"APIService"},
	"certificates.k8s.io":          {"CertificateSigningRequest", "ClusterTrustBundle"},
	"flowcontrol.apiserver.k8s.io": {"FlowSchema", "PriorityLevelConfiguration"},
	"internal.apiserver.k8s.io":    {"StorageVersion"},
	"networking.k8s.io":            {"IngressClass", "IPAddress", "ServiceCIDR"},
	"node.k8s.io":                  {"RuntimeClass"},
	"rbac.authorization.k8s.io":    {"ClusterRole", "ClusterRoleBinding"},
	"resource.k8s.io":              {"DeviceClass", "DeviceTaintRule", "ResourcePoolStatusRequest", "ResourceSlice"},
	"scheduling.k8s.io":            {"PriorityClass"},
	"storage.k8s.io":               {"CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"},
	"storagemigration.k8s.io":      {"StorageVersionMigration"},
}

// placeInNamespaces puts objects that name no namespace into default, as
// kubectl does. Of kinds that nobody here defines it is not known whether they
// need one.
func placeInNamespaces(all []Addon) {
	defined := definedKinds(all)
	for _, a := range all {
		for _, o := range a.Objects {
			kind := o.GroupVersionKind().GroupKind()
			namespaced := defined[kind]
			if !isCustom(kind) {
				namespaced = !slices.Contains(withoutNamespace[kind.Group], kind.Kind)
			}
			if namespaced && o.GetNamespace() == "" {
				o.SetNamespace("default")
			}
		}
	}
}

// checkUnique refuses an object that stands in two places: which of them would
// be applied last is nothing to build on.
func checkUnique(all []Addon) error {
	first := map[object.ObjMetadata]string{}
	for _, a := range all {
		for n, o := range a.Objects {
			here := fmt.Sprintf("addon %s (%s)", a.Name, a.origins[n])
			id := object.UnstructuredToObjMetadata(o)
			if there, twice := first[id]; twice {
				return fmt.Errorf("%s stands twice: in %s and in %s: keep one of them", describe(o), there, here)
			}
			first[id] = here
		}
	}
	return nil
}
