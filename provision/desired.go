package provision

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/ignition"
)

const unitDir = "/etc/systemd/system"

// item is one path that a Machine wants on its node. Units with a content are
// files like any other, except that systemd has to hear of a change.
type item struct {
	typ          EntryType
	path         string
	mode         fs.FileMode
	owner, group string
	content      []byte
	target       string
	artefact     *ignition.Artefact
	secret       bool
	restarts     []string
	until        string
}

// items lists everything that m puts on its node: folders first, then files,
// links and units, each in the Machine's order.
func items(m ignition.Machine) ([]item, error) {
	var list []item
	for _, d := range m.Dirs {
		list = append(list, item{typ: Directory, path: d.Path, mode: d.Mode, owner: d.Owner, group: d.Group})
	}
	for _, f := range m.Files {
		list = append(list, item{
			typ: RegularFile, path: f.Path, mode: f.Mode, owner: f.Owner, group: f.Group,
			content: f.Content, artefact: f.Artefact, secret: f.Secret, restarts: f.Restarts, until: f.Until,
		})
	}
	for _, l := range m.Links {
		list = append(list, item{typ: SymbolicLink, path: l.Path, target: l.Target})
	}
	for _, u := range m.Units {
		if u.Content == "" {
			continue
		}
		list = append(list, item{
			typ: RegularFile, path: unitDir + "/" + u.Name, mode: 0o644, content: []byte(u.Content),
			restarts: append([]string{u.Name}, u.Restarts...),
		})
	}
	seen := map[string]bool{}
	for i := range list {
		it := &list[i]
		if err := checkPath(it.path); err != nil {
			return nil, fmt.Errorf("node %s: %w", m.Name, err)
		}
		if seen[it.path] {
			return nil, fmt.Errorf("node %s: %s is listed twice", m.Name, it.path)
		}
		seen[it.path] = true
		if it.owner == "" {
			it.owner = "root"
		}
		if it.group == "" {
			it.group = "root"
		}
	}
	return list, nil
}

// checkPath refuses what the line based scripts on the node cannot carry.
func checkPath(p string) error {
	if !path.IsAbs(p) || path.Clean(p) != p || p == "/" || strings.ContainsAny(p, "\n\t\\") {
		return fmt.Errorf("%q is not a clean absolute path", p)
	}
	return nil
}

// isUnitFile reports whether systemd reads the file at p as a unit or a part of one.
func isUnitFile(p string) bool { return strings.HasPrefix(p, unitDir+"/") }

// unitOf is the unit that the file at p defines; empty for anything else.
func unitOf(p string) string {
	if path.Dir(p) != unitDir || !slices.Contains(unitSuffixes(), path.Ext(p)) {
		return ""
	}
	return path.Base(p)
}

func unitSuffixes() []string {
	return []string{".service", ".socket", ".timer", ".mount", ".path", ".target", ".slice"}
}

// folders are the distinct parents of the items, sorted.
func folders(list []item) []string {
	var dirs []string
	for _, it := range list {
		dirs = append(dirs, path.Dir(it.path))
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}
