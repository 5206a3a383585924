package provision

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

const (
	inventoryPath = stateDir + "/inventory.json"
	stagingDir    = ".kbm-new"
)

// ApplyFiles brings everything on the machine's disk to the plan's state:
// folders, files, links, deletions, what starts at boot. It does so in one
// round trip, and either all new files have arrived before the first one is
// put in place, or none is. It starts and stops no unit, except that a unit
// whose file goes is stopped first; the restarts that it owes are noted on the
// machine, so that a run after an interruption makes up for them.
// Artefacts are a Pusher's work, and come before.
func ApplyFiles(ctx context.Context, host Host, p *NodePlan) error {
	if !p.touchesDisk() {
		return nil
	}
	text, err := script("apply.sh", slices.Compact(slices.Sorted(slices.Values(append(p.folders, stateDir))))...)
	if err != nil {
		return err
	}
	stream, err := p.archive()
	if err != nil {
		return fmt.Errorf("pack files for %s: %w", p.Node, err)
	}
	if _, err := host.Run(ctx, Command{Script: text, Stdin: stream}); err != nil {
		return fmt.Errorf("write files on %s: %w", p.Node, diskError(p.Node, err))
	}
	return nil
}

// touchesDisk is false when units have to be started and nothing else.
func (p *NodePlan) touchesDisk() bool {
	return p.reload || slices.ContainsFunc(p.Changes, func(c Change) bool {
		return c.Action != Start && c.Action != Restart && c.Action != Promote
	})
}

// archive is the tar that apply.sh reads. Names are relative to /.
func (p *NodePlan) archive() (*bytes.Buffer, error) {
	var buf bytes.Buffer
	w := &archiveWriter{tar: tar.NewWriter(&buf), staged: map[string][]string{}}
	for _, it := range p.write {
		w.item(it)
	}
	w.inventory("union.json", p.union)
	w.inventory("inventory.json", p.keep)
	w.file(stateDir+"/commit", 0o600, "root", "root", []byte(p.commit(w)))
	if w.err == nil {
		w.err = w.tar.Close()
	}
	return &buf, w.err
}

type archiveWriter struct {
	tar    *tar.Writer
	staged map[string][]string // folder → names below its staging folder
	order  []string            // the folders, as they came
	files  []string            // what has to be synced
	err    error
}

func (w *archiveWriter) item(it item) {
	if it.typ == Directory {
		w.header(&tar.Header{Typeflag: tar.TypeDir, Name: it.path + "/", Mode: int64(unixMode(it.mode)), Uname: it.owner, Gname: it.group})
		return
	}
	dir, name := path.Split(it.path)
	dir = path.Clean(dir)
	staged := w.stage(dir, name)
	if it.typ == SymbolicLink {
		w.header(&tar.Header{Typeflag: tar.TypeSymlink, Name: staged, Linkname: it.target, Mode: 0o777})
		return
	}
	w.file(staged, int64(unixMode(it.mode)), it.owner, it.group, it.content)
	w.files = append(w.files, staged)
}

// stage returns where a file waits for its rename: beside its place, so that
// the rename is atomic, in a folder that only root can enter.
func (w *archiveWriter) stage(dir, name string) string {
	if w.staged[dir] == nil {
		w.header(&tar.Header{Typeflag: tar.TypeDir, Name: path.Join(dir, stagingDir) + "/", Mode: 0o700})
	}
	w.note(dir, name)
	return path.Join(dir, stagingDir, name)
}

// note remembers what is to be moved into dir.
func (w *archiveWriter) note(dir, name string) {
	if w.staged[dir] == nil {
		w.order = append(w.order, dir)
	}
	w.staged[dir] = append(w.staged[dir], name)
}

func (w *archiveWriter) inventory(name string, inv Inventory) {
	text, err := json.Marshal(inv)
	if w.err == nil {
		w.err = err
	}
	staged := path.Join(stateDir, name+".new")
	w.file(staged, 0o600, "root", "root", append(text, '\n'))
	w.files = append(w.files, staged)
}

func (w *archiveWriter) file(name string, mode int64, owner, group string, content []byte) {
	w.header(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Uname: owner, Gname: group, Size: int64(len(content))})
	if w.err == nil {
		_, w.err = w.tar.Write(content)
	}
}

func (w *archiveWriter) header(h *tar.Header) {
	if w.err != nil {
		return
	}
	h.Name = strings.TrimPrefix(h.Name, "/")
	h.ModTime = time.Unix(0, 0)
	w.err = w.tar.WriteHeader(h)
}
