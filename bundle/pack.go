package bundle

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/kbm-dev/kbm/internal/atomicfile"
)

// PackSuffix is how the name of a packed bundle ends.
const PackSuffix = ".tar.zst"

// Pack writes the bundle into one file: its manifest, its lock where it has
// one, and its artefacts, each compared with the manifest on the way. The bytes
// depend on these alone. A fault leaves no file, or the one that was there.
// tell, where not nil, is told of the bytes read so far and of all.
func (b *Bundle) Pack(ctx context.Context, file string, tell func(done, total int64)) error {
	if !strings.HasSuffix(file, PackSuffix) {
		return fmt.Errorf("pack bundle into %s: the name has to end in %s", file, PackSuffix)
	}
	err := atomicfile.Stream(file, 0o644, func(w io.Writer) error {
		packed, err := zstd.NewWriter(w)
		if err != nil {
			return err
		}
		if err := b.packInto(ctx, packed, tell); err != nil {
			_ = packed.Close() // on a full disk it would only say the same again
			return err
		}
		return packed.Close()
	})
	if err != nil {
		return fmt.Errorf("pack bundle %s: %w", b.dir, err)
	}
	return nil
}

func (b *Bundle) packInto(ctx context.Context, w io.Writer, tell func(done, total int64)) error {
	manifest, err := encode(b.manifest)
	if err != nil {
		return err
	}
	out := tar.NewWriter(w)
	// First, so that who unpacks knows what to expect.
	if err := packFile(out, manifestFile, 0o644, int64(len(manifest)), bytes.NewReader(manifest)); err != nil {
		return err
	}
	lock, err := readPins(b.dir, b.manifest)
	if err != nil {
		return err
	}
	if len(lock) > 0 {
		data, err := lock.encode(b.manifest)
		if err != nil {
			return err
		}
		if err := packFile(out, pinsFile, 0o644, int64(len(data)), bytes.NewReader(data)); err != nil {
			return err
		}
	}
	var done, total int64
	for _, a := range b.manifest.Artefacts {
		total += a.Size
	}
	artefacts := slices.SortedFunc(slices.Values(b.manifest.Artefacts), func(a, b Artefact) int { return strings.Compare(a.Path, b.Path) })
	for _, a := range artefacts {
		if err := b.packArtefact(ctx, out, a); err != nil {
			return err
		}
		if done += a.Size; tell != nil {
			tell(done, total)
		}
	}
	return out.Close()
}

func (b *Bundle) packArtefact(ctx context.Context, out *tar.Writer, a Artefact) error {
	f, err := os.Open(b.File(a))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != a.Size {
		return b.fault(a, fmt.Sprintf("has %d bytes, the manifest says %d", info.Size(), a.Size))
	}
	sum := sha256.New()
	if err := packFile(out, a.Path, int64(a.mode()), a.Size, io.TeeReader(contextReader{ctx, f}, sum)); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != a.SHA256 {
		return b.fault(a, fmt.Sprintf("has sha256 %s, the manifest says %s", got, a.SHA256))
	}
	return nil
}

func packFile(out *tar.Writer, name string, mode, size int64, content io.Reader) error {
	h := &tar.Header{Name: name, Mode: mode, Size: size, ModTime: time.Unix(0, 0), Typeflag: tar.TypeReg, Format: tar.FormatPAX}
	if err := out.WriteHeader(h); err != nil {
		return fmt.Errorf("pack %s: %w", name, err)
	}
	if _, err := io.Copy(out, content); err != nil {
		return fmt.Errorf("pack %s: %w", name, err)
	}
	return nil
}
