package ignition

import "github.com/kbm-dev/kbm/bundle"

// fromRegistry tells whether nodes leave an image to containerd, which pulls it
// when a pod wants it.
func (b *builder) fromRegistry(a bundle.Artefact) bool {
	return b.in.Cluster.Bundle.Online && a.Kind == bundle.Image && a.Source != ""
}

// online names the place where the node gets a program by itself. What was
// built is nowhere but in the bundle.
func (b *builder) online(to *Artefact, a bundle.Artefact) {
	if !b.in.Cluster.Bundle.Online || a.Source == "" {
		return
	}
	to.URL = bundle.Mirrors(b.in.Cluster.Bundle.Mirrors).URL(a.Source)
	to.Member = a.Member
}
