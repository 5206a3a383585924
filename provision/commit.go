package provision

import (
	"fmt"
	"path"
	"strings"

	"github.com/kbm-dev/kbm/ignition"
)

// commit is the list that apply.sh works through once every file has arrived:
// one operation a line, columns parted by tabs. The inventory that names both
// what is and what will be there goes first, the final one last, so that no
// interruption leaves a file that nobody remembers.
func (p *NodePlan) commit(w *archiveWriter) string {
	var b strings.Builder
	op := func(words ...string) { b.WriteString(strings.Join(words, "\t") + "\n") }
	for _, f := range w.files {
		op("sync", f)
	}
	p.commitArtefacts(op, w)
	op("place", stateDir+"/union.json.new", inventoryPath)
	for _, u := range p.units {
		if u.action == Restart {
			op("owe", u.unit)
		}
	}
	for _, dir := range w.order {
		if dir == ignition.ManifestDir && len(p.replaced) > 0 {
			op(append([]string{"rest", dir}, p.replaced...)...)
		}
		op(append([]string{"move", dir}, w.staged[dir]...)...)
	}
	// The removal of a hard link changes the times of the file, so it comes
	// before they are noted.
	op("forget")
	for _, it := range p.artefacts {
		op("learn", it.artefact.SHA256, it.path)
	}
	if len(p.artefacts) > 0 {
		op("remember")
	}
	for _, it := range p.modes {
		op("mode", fmt.Sprintf("%#o", unixMode(it.mode)), it.owner+":"+it.group, it.path)
	}
	for _, gone := range p.remove {
		if unit := unitOf(gone); unit != "" {
			op("stop", unit)
		}
	}
	for _, gone := range p.remove {
		op("remove", gone)
	}
	op("place", stateDir+"/inventory.json.new", inventoryPath)
	op(append([]string{"flush", stateDir}, w.order...)...)
	p.commitSystem(op)
	return b.String()
}

// commitArtefacts stages what was pushed before.
func (p *NodePlan) commitArtefacts(op func(...string), w *archiveWriter) {
	type access struct{ mode, owner string }
	files := map[access][]string{}
	rooms := map[string]bool{}
	for _, it := range p.artefacts {
		dir, name := path.Split(it.path)
		dir = path.Clean(dir)
		if !rooms[dir] {
			rooms[dir] = true
			op("room", dir)
		}
		op("stage", it.artefact.SHA256, dir, name)
		w.note(dir, name)
		a := access{fmt.Sprintf("%#o", unixMode(it.mode)), it.owner + ":" + it.group}
		files[a] = append(files[a], path.Join(dir, stagingDir, name))
	}
	for a, list := range files {
		op(append([]string{"mode", a.mode, a.owner}, list...)...)
	}
}

// commitSystem adds what systemd has to be told.
func (p *NodePlan) commitSystem(op func(...string)) {
	if p.hostname != "" {
		op("hostname", p.hostname)
	}
	if len(p.unmask) > 0 {
		op(append([]string{"unmask"}, p.unmask...)...)
	}
	if len(p.enable) > 0 {
		op(append([]string{"enable"}, p.enable...)...)
	}
	if len(p.disable) > 0 {
		op(append([]string{"disable"}, p.disable...)...)
	}
	if p.reload || len(p.enable)+len(p.disable)+len(p.unmask) > 0 {
		op("reload")
	}
}
