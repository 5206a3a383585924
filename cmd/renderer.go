package cmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/internal/atomicfile"
	"github.com/kbm-dev/kbm/pki"
)

// buildDir holds what is rendered, a folder for each node.
const buildDir = "build"

// sealedExt marks what is encrypted to secrets.recipients.
const sealedExt = ".age"

// rendered is what was made for one node.
type rendered struct {
	Name    string       `json:"name"`
	Role    cluster.Role `json:"role"`
	Address string       `json:"address"`
	// Media is the target by which the machine gets its configuration, Medium
	// the path of the file for it, and Steps are what a person does with that.
	// An adopted machine has no use for one.
	Media  string   `json:"media,omitempty"`
	Medium string   `json:"medium,omitempty"`
	Steps  []string `json:"steps,omitempty"`
	// Kernel are arguments that its first boot needs where there is no DHCP.
	Kernel []string `json:"kernel,omitempty"`

	os cluster.OS
}

// renderResult is the answer of the commands that render.
type renderResult struct {
	Nodes  []rendered   `json:"nodes"`
	Issued []pki.Change `json:"issued"`
	// Changed are the files in build/ that differ from what was there.
	Changed []string `json:"changed"`
}

// renderer makes certificates and media of nodes and keeps all of it back until
// commit: a fault at the last of a thousand nodes leaves none behind.
type renderer struct {
	cluster *cluster.Cluster
	store   *heldStore
	// bundle is set where media are to carry more than what a machine needs to
	// be reached: what embed says. open gives what is in it.
	bundle *bundle.Manifest
	embed  embedFlags
	open   func(ignition.Artefact) (io.ReadCloser, error)
	shown  *mediumProgress
	begin  *ignition.FirstBoot // of controllers
	media  ignition.Renderer
	batch  atomicfile.Batch
	stale  []string
}

func (a *app) newRenderer(ctx context.Context, c *cluster.Cluster) (*renderer, error) {
	files, err := a.openPKI(ctx, c)
	if err != nil {
		return nil, err
	}
	return &renderer{cluster: c, store: &heldStore{Files: files}}, nil
}

// stageOf is how much of a machine goes on its medium.
func (r *renderer) stageOf() ignition.Stage {
	if r.embed.secrets {
		return ignition.Joined
	}
	return ignition.Base
}

// heldStore keeps what Ensure writes until it is flushed.
type heldStore struct {
	*pki.Files
	held []pki.File
}

// Write holds the files back.
func (s *heldStore) Write(files ...pki.File) error {
	s.held = append(s.held, files...)
	return nil
}

// perStage is how many nodes are held in memory at a time: a medium and its
// plain form are a quarter of a megabyte.
const perStage = 50

// render issues what the named nodes lack and renders them.
func (r *renderer) render(ctx context.Context, names []string) (renderResult, error) {
	set, err := r.ensure(names)
	if err != nil {
		return renderResult{}, err
	}
	result := renderResult{Nodes: []rendered{}, Issued: append([]pki.Change{}, set.Changes...)}
	for chunk := range slices.Chunk(names, perStage) {
		if err := r.stage(ctx, set, chunk); err != nil {
			return renderResult{}, err
		}
	}
	for _, name := range names {
		n, _ := r.cluster.Node(name)
		one, err := r.describe(n)
		if err != nil {
			return renderResult{}, err
		}
		result.Nodes = append(result.Nodes, one)
	}
	result.Changed = r.batch.Changed()
	return result, nil
}

func (r *renderer) ensure(names []string) (*pki.Set, error) {
	set, err := pki.EnsureNodes(r.store, r.cluster, names, time.Now(), rand.Reader)
	if err == nil && r.embed.secrets {
		r.begin, err = r.firstBoot(set)
	}
	return set, usageError(err)
}

// stage renders some nodes on all processors and puts them beside their places.
func (r *renderer) stage(ctx context.Context, set *pki.Set, names []string) error {
	media := make([]ignition.Rendered, len(names))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range names {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			var err error
			if media[i], err = r.plain(name, set); err != nil {
				return err
			}
			return r.seal(name, media[i].Files)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, name := range names {
		r.keep(name, media[i].Files)
	}
	return r.batch.Stage()
}

// plain renders one node; nothing for one that was adopted.
func (r *renderer) plain(name string, set *pki.Set) (ignition.Rendered, error) {
	n, ok := r.cluster.Node(name)
	if !ok || adopted(n) {
		return ignition.Rendered{}, nil
	}
	m, err := r.machine(n, set)
	if err != nil {
		return ignition.Rendered{}, err
	}
	out, err := r.media.Render(m, ignition.Options{OS: r.cluster.OSOf(n), Target: r.cluster.MediaOf(n), Stage: r.stageOf(), Bundle: r.embed.bundle})
	return out, usageError(err)
}

// adopted machines run already, with a system of their own.
func adopted(n *cluster.Node) bool { return n.SSH.HostKey != "" }

// seal encrypts what others may not read, where the spec asks for that.
func (r *renderer) seal(name string, files []ignition.RenderedFile) error {
	for i := range files {
		f := &files[i]
		if f.Mode.Perm()&0o077 != 0 {
			continue
		}
		sealed, is, err := r.store.Encrypted(f.Content)
		if err != nil {
			return fmt.Errorf("encrypt %s of %s: %w", f.Name, name, err)
		}
		if is {
			f.Name, f.Content = f.Name+sealedExt, sealed
		}
	}
	return nil
}

// keep plans a node's files, and the end of those that an earlier spec called
// for: another format, or plain where recipients are set by now.
func (r *renderer) keep(name string, files []ignition.RenderedFile) {
	dir := filepath.Join(r.cluster.Dir, buildDir, name)
	old := map[string]bool{}
	for _, base := range ignition.FileNames(name) {
		old[base], old[base+sealedExt] = true, true
	}
	for _, f := range files {
		if len(f.Carried) > 0 {
			r.batch.AddStream(filepath.Join(dir, f.Name), f.Size(), f.Mode, func(w io.Writer) error {
				return f.Write(r.shown.watch(name, f.Size(), w), r.open)
			})
		} else {
			r.batch.Add(filepath.Join(dir, f.Name), f.Content, f.Mode)
		}
		delete(old, f.Name)
	}
	for base := range old {
		r.stale = append(r.stale, filepath.Join(dir, base))
	}
}

// describe tells what was made for a node, and what to do with it.
func (r *renderer) describe(n *cluster.Node) (rendered, error) {
	one := rendered{Name: n.Name, Role: n.Role, Address: n.Address, os: r.cluster.OSOf(n)}
	if adopted(n) {
		return one, nil
	}
	one.Media = r.cluster.MediaOf(n)
	t, err := ignition.FindTarget(one.Media)
	if err != nil {
		return one, err
	}
	dir := filepath.Join(r.cluster.Dir, buildDir, n.Name)
	one.Medium = filepath.Join(dir, t.MainFile(n.Name))
	if len(r.cluster.Secrets.Recipients) > 0 {
		one.Medium += sealedExt
		dir = ""
	}
	if net := ignition.NetworkOf(r.cluster, n); t.NeedsNetwork && net != nil {
		one.Kernel = net.KernelArgs(n.Name)
	}
	one.Steps, err = t.StepsFor(n.Name, one.os, dir)
	return one, err
}

// commit makes everything appear: keys first, for a medium is of no use
// without them.
func (r *renderer) commit() error {
	if err := r.batch.Stage(); err != nil {
		return err
	}
	if len(r.store.held) > 0 {
		if err := r.store.Files.Write(r.store.held...); err != nil {
			return err
		}
	}
	if err := r.batch.Commit(); err != nil {
		return err
	}
	for _, path := range r.stale {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// drop removes what was staged and not committed.
func (r *renderer) drop() {
	r.shown.close()
	_ = r.batch.Drop()
}
