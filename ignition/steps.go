package ignition

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"text/template"

	"github.com/kbm-dev/kbm/cluster"
)

// stepsData is what a target's Steps may speak of.
type stepsData struct {
	Name   string // of the node
	OS     string
	File   string // what a person handles, with its folder
	Base   string // without
	Plain  string // the configuration beside it, with its folder
	Label  string
	Kernel []string
}

// StepsFor tells what to do with what was rendered into dir for a node, one
// line a step.
func (t Target) StepsFor(node string, system cluster.OS, dir string) ([]string, error) {
	data := stepsData{
		Name: node, OS: system.Name, Base: t.MainFile(node), Label: t.Label, Kernel: t.Kernel,
	}
	data.File, data.Plain = path.Join(dir, data.Base), path.Join(dir, t.plainName())
	text, err := template.New(t.Name).Option("missingkey=error").Parse(t.Steps)
	if err != nil {
		return nil, fmt.Errorf("steps of target %s: %w", t.Name, err)
	}
	var out strings.Builder
	if err := text.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("steps of target %s: %w", t.Name, err)
	}
	return strings.Split(out.String(), "\n"), nil
}

// FileNames are those of everything that Render may make for a node.
func FileNames(node string) []string {
	names := []string{configName, "user-data", "contents.txt"}
	for _, t := range Targets() {
		if name := t.MainFile(node); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// MainFile is the name of what a person hands to the machine.
func (t Target) MainFile(node string) string {
	if t.Output == ISO {
		return node + ".iso"
	}
	return t.Paths[0]
}
