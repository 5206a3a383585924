package cmd

import (
	"path/filepath"
	"slices"
	"strings"

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
		a.sayKernel(group)
	}
}

// sayKernel tells what a static address asks of the first boot. It differs for
// each machine.
func (a *app) sayKernel(group []rendered) {
	group = slices.DeleteFunc(slices.Clone(group), func(r rendered) bool { return len(r.Kernel) == 0 })
	if len(group) == 0 {
		return
	}
	a.say("  its first boot needs the network before it has read anything; where there is no DHCP, it takes these on the kernel's command line:")
	for i, r := range group {
		if i == mostLines {
			a.say("    … and %d more: kbm %srender NODE", len(group)-mostLines, a.dirFlag())
			break
		}
		a.say("    %s: %s", r.Name, strings.Join(r.Kernel, " "))
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
