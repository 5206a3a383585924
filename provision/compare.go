package provision

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/ignition"
)

// Compare says what has to be done for the machine with these facts to become
// m. It reads nothing but its input.
func Compare(m ignition.Machine, facts Facts) (NodePlan, error) {
	list, err := items(m)
	if err != nil {
		return NodePlan{}, err
	}
	c := &comparison{
		plan:     NodePlan{Node: m.Name, folders: folders(list), incoming: facts.Incoming, arrived: facts.Arrived},
		facts:    facts,
		restarts: map[string]string{},
	}
	for _, it := range list {
		c.item(it)
	}
	c.prune(list)
	c.hostname(m)
	c.enablement(m)
	c.unitActions(m)
	return c.plan, nil
}

// comparison collects a plan.
type comparison struct {
	plan     NodePlan
	facts    Facts
	restarts map[string]string // unit → the first reason
}

func (c *comparison) item(it item) {
	found, there := c.facts.Paths[it.path]
	action, reason := differs(it, found, there)
	if _, over := c.facts.Paths[it.until]; action == "" || action == Update && over {
		return
	}
	change := Change{Action: action, Object: it.path, Reason: reason, Secret: it.secret}
	switch {
	case action == SetMode:
		c.plan.modes = append(c.plan.modes, it)
	case it.artefact != nil:
		change.Bytes = c.plan.missing(it.artefact)
		c.plan.artefacts = append(c.plan.artefacts, it)
	default:
		c.plan.write = append(c.plan.write, it)
		if folder, name := path.Split(it.path); action == Update && path.Clean(folder) == ignition.ManifestDir {
			c.plan.replaced = append(c.plan.replaced, strings.TrimSuffix(name, ".yaml"))
		}
	}
	c.plan.add(change)
	c.touch(it.path, it.restarts)
}

// touch notes what follows from a change of the file at path.
func (c *comparison) touch(path string, restarts []string) {
	c.plan.reload = c.plan.reload || isUnitFile(path)
	for _, unit := range restarts {
		if c.restarts[unit] == "" {
			c.restarts[unit] = path + " changes"
		}
	}
}

func differs(it item, found Entry, there bool) (Action, string) {
	switch {
	case !there && it.typ == Directory:
		return MakeDir, "is missing"
	case !there && it.typ == SymbolicLink:
		return MakeLink, "is missing"
	case !there:
		return Create, "is missing"
	case found.Type != it.typ:
		return Update, fmt.Sprintf("is a %s", found.Type)
	case it.typ == SymbolicLink:
		if found.Target != it.target {
			return MakeLink, "points to " + found.Target
		}
		return "", ""
	case it.typ == RegularFile && found.SHA256 != it.sum():
		return Update, "content differs"
	}
	if mode := unixMode(it.mode); found.Mode != mode {
		return SetMode, fmt.Sprintf("mode is %#o, not %#o", found.Mode, mode)
	}
	if found.Owner != it.owner || found.Group != it.group {
		return SetMode, fmt.Sprintf("owner is %s:%s, not %s:%s", found.Owner, found.Group, it.owner, it.group)
	}
	return "", ""
}

func (it item) sum() string {
	if it.artefact != nil {
		return it.artefact.SHA256
	}
	sum := sha256.Sum256(it.content)
	return hex.EncodeToString(sum[:])
}

// unixMode gives the mode as chmod takes it.
func unixMode(m fs.FileMode) uint32 {
	mode := uint32(m.Perm())
	for bit, flag := range map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if m&flag != 0 {
			mode |= bit
		}
	}
	return mode
}

// prune removes what the inventory lists and the Machine no longer has, and
// prepares the inventories: what is and will be there for the time of the
// changes, and what is there afterwards.
func (c *comparison) prune(list []item) {
	keep := Inventory{Paths: map[string][]string{}}
	for _, it := range list {
		keep.Paths[it.path] = it.restarts
	}
	union := Inventory{Paths: maps.Clone(keep.Paths)}
	old := c.facts.Inventory.Paths
	for _, path := range slices.Backward(slices.Sorted(maps.Keys(old))) {
		if _, kept := keep.Paths[path]; kept {
			continue
		}
		union.Paths[path] = old[path]
		if checkPath(path) != nil {
			continue
		}
		c.plan.remove = append(c.plan.remove, path)
		c.plan.add(Change{Action: Delete, Object: path, Reason: "is no longer in the spec"})
		c.touch(path, old[path])
	}
	c.plan.keep, c.plan.union = keep, union
}

func (c *comparison) hostname(m ignition.Machine) {
	if m.Hostname == "" || m.Hostname == c.facts.Hostname {
		return
	}
	c.plan.hostname = m.Hostname
	c.plan.add(Change{Action: Rename, Object: m.Hostname, Reason: "the name is " + c.facts.Hostname})
}
