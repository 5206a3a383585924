package bundle

// ImageRefs gives the reference of every image, by the component's name, under
// which a cluster of a Kubernetes version (v1.37.1) runs it. It needs no bundle
// folder, so manifests can be rendered before anything is built.
func ImageRefs(kubernetesVersion string) map[string]string {
	refs := map[string]string{}
	for _, c := range components(release{version: kubernetesVersion}) {
		if c.Image.Ref != "" {
			refs[c.Name] = c.Image.Ref
		}
	}
	return refs
}
