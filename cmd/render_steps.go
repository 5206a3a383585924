package cmd

import (
	"path/filepath"

	"github.com/kbm-dev/kbm/ignition"
)

// saySteps tells what to do with the media, once for all machines that are
// started alike.
func (a *app) saySteps(all []rendered) {
	type kind struct{ media, os string }
	var order []kind
	alike := map[kind][]rendered{}
	for _, r := range all {
		if r.Media == "" {
			continue
		}
		k := kind{r.Media, r.os.Name}
		if len(alike[k]) == 0 {
			order = append(order, k)
		}
		alike[k] = append(alike[k], r)
	}
	for _, k := range order {
		group := alike[k]
		steps := group[0].Steps
		if len(group) > 1 {
			steps = a.stepsOf(group[0], "NAME")
		}
		a.say("%s (%s):", k.media, k.os)
		if filepath.Ext(group[0].Medium) == sealedExt {
			a.say("  what lies in %s is encrypted: kbm %srender %s --out FILE writes it in plain, outside of the folder", buildDir, a.dirFlag(), group[0].Name)
		}
		for _, step := range steps {
			a.say("  %s", step)
		}
	}
}

// stepsOf are the steps of a machine with another name in its place.
func (a *app) stepsOf(r rendered, name string) []string {
	t, err := ignition.FindTarget(r.Media)
	if err != nil {
		return r.Steps
	}
	steps, err := t.StepsFor(name, r.os, filepath.Join(a.dir, buildDir, name))
	if err != nil {
		return r.Steps
	}
	return steps
}
