package provision

import (
	"slices"
	"strings"
)

// staged returns the part of a plan that may come ahead of an installation:
// artefacts, the container runtime, and what loads the images. Nothing is
// removed, and the inventory still knows all that may be there.
func (p NodePlan) staged() NodePlan {
	units := []string{containerdUnit, imagesUnit}
	early := func(it item) bool {
		name, isUnit := strings.CutPrefix(it.path, unitDir+"/")
		return isUnit && slices.Contains(units, name) ||
			it.artefact != nil || strings.HasPrefix(it.path, "/etc/containerd/") || strings.HasSuffix(it.path, "/kbm-import-images")
	}
	late := func(it item) bool { return !early(it) }
	p.write = slices.DeleteFunc(slices.Clone(p.write), late)
	p.modes = slices.DeleteFunc(slices.Clone(p.modes), late)
	p.remove, p.disable, p.hostname = nil, nil, ""
	p.keep = p.union
	notThese := func(unit string) bool { return !slices.Contains(units, unit) }
	p.enable = slices.DeleteFunc(slices.Clone(p.enable), notThese)
	p.units = slices.DeleteFunc(slices.Clone(p.units), func(u unitAction) bool { return notThese(u.unit) })
	paths := map[string]bool{}
	for _, it := range slices.Concat(p.write, p.artefacts, p.modes) {
		paths[it.path] = true
	}
	p.Changes = slices.DeleteFunc(slices.Clone(p.Changes), func(c Change) bool {
		return !paths[c.Object] && notThese(c.Object)
	})
	return p
}
