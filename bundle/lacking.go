package bundle

import (
	"fmt"
	"slices"
	"strings"
)

// Require tells which artefacts of these names and groups the bundle lacks, or
// has in another version than this kbm asks for, and the command that makes
// them. Names that this kbm cannot build are not its matter.
func (b *Bundle) Require(names ...string) error {
	r, err := releaseOf(b.manifest.Kubernetes)
	if err != nil {
		return err
	}
	var missing, cure []string
	for _, row := range components(r) {
		asked := row.asked(names)
		there, ok := b.Find(row.Name)
		if len(asked) == 0 || ok && there.Version == row.Version {
			continue
		}
		missing = append(missing, row.Name+" "+row.Version)
		if !slices.Contains(cure, asked[0]) {
			cure = append(cure, asked[0])
		}
	}
	if len(missing) == 0 {
		return nil
	}
	// Who has pulled has perhaps no compiler.
	verb := "build"
	if slices.ContainsFunc(b.manifest.Artefacts, func(a Artefact) bool { return a.Source != "" }) {
		verb = "pull"
	}
	return fmt.Errorf("the bundle in %s lacks %s: run `kbm bundle %s %s`", b.dir, strings.Join(missing, ", "), verb, strings.Join(cure, " "))
}
