package bundle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Verify hashes every artefact, or those named, and compares it with the
// manifest. It reports all faults at once.
func (b *Bundle) Verify(ctx context.Context, names ...string) error {
	return b.verify(ctx, names, stamps{})
}

// Check is Verify for everyday use: a file whose size, times and inode are
// those seen when its hash last matched is not read again. A rename, a write or
// a restored backup each change one of them (the change time cannot be set by a
// program), so only a fault of the disk itself gets past it; the node hashes
// what it receives and would notice that.
func (b *Bundle) Check(ctx context.Context, names ...string) error {
	return b.verify(ctx, names, readStamps(b.dir))
}

func (b *Bundle) verify(ctx context.Context, names []string, known stamps) error {
	artefacts, err := b.named(names)
	if err != nil {
		return err
	}
	faults := make([]error, len(artefacts))
	seen := make([]stamp, len(artefacts))
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for i, a := range artefacts {
		group.Go(func() error {
			seen[i], faults[i] = b.verifyOne(ctx, a, known[a.Path])
			return nil
		})
	}
	if err := errors.Join(group.Wait(), ctx.Err()); err != nil {
		return fmt.Errorf("verify bundle %s: %w", b.dir, err)
	}
	fresh := stamps{}
	for i, a := range artefacts {
		if faults[i] == nil {
			fresh[a.Path] = seen[i]
		}
	}
	// What could not be remembered is only hashed again next time: a bundle on
	// a read-only disk is a good bundle.
	_ = fresh.remember(b.dir)
	return errors.Join(faults...)
}

func (b *Bundle) named(names []string) ([]Artefact, error) {
	if len(names) == 0 {
		return b.manifest.Artefacts, nil
	}
	var found []Artefact
	var faults []error
	for _, name := range names {
		a, ok := b.Find(name)
		if !ok {
			faults = append(faults, fmt.Errorf("bundle %s has no artefact %q: add it with `kbm bundle build` or `kbm bundle pull`", b.dir, name))
			continue
		}
		found = append(found, a)
	}
	return found, errors.Join(faults...)
}

func (b *Bundle) verifyOne(ctx context.Context, a Artefact, known stamp) (stamp, error) {
	file := b.File(a)
	now, err := stampOf(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return stamp{}, b.fault(a, "is missing")
	case err != nil:
		return stamp{}, b.fault(a, err.Error())
	case now.Size != a.Size:
		return stamp{}, b.fault(a, fmt.Sprintf("has %d bytes, the manifest says %d", now.Size, a.Size))
	}
	now.SHA256 = a.SHA256
	if now == known {
		return now, nil
	}
	sum, err := hashFile(ctx, file)
	if err != nil {
		return stamp{}, b.fault(a, err.Error())
	}
	if sum != a.SHA256 {
		return stamp{}, b.fault(a, fmt.Sprintf("has sha256 %s, the manifest says %s", sum, a.SHA256))
	}
	return now, nil
}

func (b *Bundle) fault(a Artefact, what string) error {
	cure := "make it again with `kbm bundle build`"
	if a.Source != "" {
		cure = "fetch it again with `kbm bundle pull " + a.Name + "`"
	}
	return fmt.Errorf("bundle %s: %s %s: %s", b.dir, a.Path, what, cure)
}

// hashFile returns the sha256 of a file in hex.
func hashFile(ctx context.Context, name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, contextReader{ctx, f}); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// contextReader ends a long read when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
