package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/internal/atomicfile"
)

// outOptions say what renderOut writes where.
type outOptions struct {
	file string
	// liveISO is of Fedora CoreOS, to be copied with the configuration in it.
	liveISO string
	embed   embedFlags
}

// renderOut writes the plain medium of one node to a file of the user's choice:
// what is rendered, or a copy of a live ISO with that in it.
func (a *app) renderOut(ctx context.Context, names []string, o outOptions) error {
	c, err := a.spec()
	if err != nil {
		return err
	}
	if len(names) != 1 {
		return usageError(errors.New("--out is for one medium; name one node"))
	}
	if names, err = chosen(c, names); err != nil {
		return usageError(err)
	}
	if n, _ := c.Node(names[0]); adopted(n) {
		return usageError(fmt.Errorf("%s has ssh.hostKey: it was adopted, so there is no medium for it", n.Name))
	}
	if err := refuseOut(c, o.file); err != nil {
		return usageError(err)
	}
	r, err := a.newRenderer(ctx, c)
	if err != nil {
		return err
	}
	defer r.drop()
	if err := o.embed.apply(a, r); err != nil {
		return err
	}
	set, err := r.ensure(names)
	if err != nil {
		return err
	}
	medium, err := r.plain(names[0], set)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(medium.Files, func(f ignition.RenderedFile) bool { return f.Name == medium.Main })
	main := medium.Files[i]
	config := main.Content
	write := func() error {
		return atomicfile.Stream(o.file, 0o600, func(w io.Writer) error { return main.Write(r.shown.watch(names[0], main.Size(), w), r.open) })
	}
	if o.liveISO != "" {
		var done func() error
		if write, done, err = intoLive(names[0], medium.Target, o.liveISO, o.file, config); err != nil {
			return usageError(err)
		}
		defer func() { _ = done() }() // it was only read
	}
	// What had to be issued is kept: it is on the medium.
	if err := r.commit(); err != nil {
		return err
	}
	err = write()
	r.shown.close()
	if err != nil {
		return err
	}
	a.say("%s: rendered %s; it holds the machine's SSH host key: keep it as you keep keys", names[0], o.file)
	n, _ := c.Node(names[0])
	o.embed.warn(a, c, []rendered{{Name: n.Name, Role: n.Role, Medium: o.file}})
	return a.answer(map[string]string{"name": names[0], "medium": o.file})
}

// intoLive opens a live ISO, and gives what writes a copy with a configuration.
func intoLive(name string, t ignition.Target, liveISO, out string, config []byte) (write, done func() error, err error) {
	if t.Output != ignition.LiveISO {
		return nil, nil, fmt.Errorf("--live-iso is for machines with media: fcos-live-iso, and %s has %s", name, t.Name)
	}
	image, err := os.Open(liveISO)
	if err != nil {
		return nil, nil, fmt.Errorf("--live-iso: %w", err)
	}
	info, err := image.Stat()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("--live-iso: %w", err), image.Close())
	}
	if other, err := os.Stat(out); err == nil && os.SameFile(info, other) {
		return nil, nil, errors.Join(fmt.Errorf("--out %s is the live ISO itself; name another file", out), image.Close())
	}
	live, err := ignition.OpenLive(image, info.Size())
	if err == nil {
		err = live.Accepts(config)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("--live-iso %s: %w", liveISO, err), image.Close())
	}
	write = func() error {
		return atomicfile.Stream(out, 0o600, func(w io.Writer) error { return live.Write(w, config) })
	}
	return write, image.Close, nil
}

// refuseOut keeps plain keys out of a folder that holds encrypted ones, and a
// rename from replacing a device.
func refuseOut(c *cluster.Cluster, out string) error {
	info, err := os.Stat(out)
	switch {
	case out == "":
		return errors.New("--out is empty; name a file")
	case err == nil && info.IsDir():
		return fmt.Errorf("--out %s is a folder; name a file", out)
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("--out %s is not a regular file; write a file, and copy that to the device", out)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("--out: %w", err)
	case len(c.Secrets.Recipients) == 0:
		return nil
	}
	dir, err := realPath(c.Dir)
	if err != nil {
		return err
	}
	parent, err := realPath(filepath.Dir(out))
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	if rel, err := filepath.Rel(dir, parent); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
		return fmt.Errorf("--out %s is in the cluster's folder, where secrets.recipients allows no plain key; name a file outside of it", out)
	}
	return nil
}

func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}
