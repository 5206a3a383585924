package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/internal/atomicfile"
)

// renderOut writes the plain medium of one node to a file of the user's choice.
func (a *app) renderOut(ctx context.Context, names []string, out string) error {
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
	if err := refuseOut(c, out); err != nil {
		return usageError(err)
	}
	r, err := a.newRenderer(ctx, c)
	if err != nil {
		return err
	}
	set, err := r.ensure(names)
	if err != nil {
		return err
	}
	files, err := r.plain(names[0], set)
	if err != nil {
		return err
	}
	// What had to be issued is kept: it is on the medium.
	if err := r.commit(); err != nil {
		return err
	}
	i := slices.IndexFunc(files, func(f ignition.RenderedFile) bool { return filepath.Ext(f.Name) == ".iso" })
	if err := atomicfile.Write(out, files[i].Content, 0o600); err != nil {
		return err
	}
	a.say("%s: rendered %s; it holds the machine's SSH host key: keep it as you keep keys", names[0], out)
	return a.answer(map[string]string{"name": names[0], "medium": out})
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
