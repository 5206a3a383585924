package bundle

// Known lists what Build can make of a Kubernetes version, in the order of
// building and without size and hash.
func Known(kubernetesVersion string) ([]Artefact, error) {
	r, err := releaseOf(kubernetesVersion)
	if err != nil {
		return nil, err
	}
	var all []Artefact
	for _, c := range components(r) {
		all = append(all, c.artefact())
	}
	return all, nil
}

func (c component) artefact() Artefact {
	return Artefact{Name: c.Name, Kind: c.Kind, Group: c.Group, Version: c.Version, Path: c.Path, Image: c.Image.Ref}
}

// inOrder sorts artefacts as the table has them, and drops what it has no more.
func inOrder(r release, artefacts []Artefact) []Artefact {
	var sorted []Artefact
	for _, row := range components(r) {
		for _, a := range artefacts {
			if a.Name == row.Name {
				sorted = append(sorted, a)
			}
		}
	}
	return sorted
}
