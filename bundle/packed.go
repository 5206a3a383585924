package bundle

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// textLimit is far above the size of any manifest or lock, in bytes.
const textLimit = 4 << 20

// told tells how much was read.
type told struct {
	r           io.Reader
	done, total int64
	tell        func(done, total int64)
}

func (t *told) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if t.done += int64(n); t.tell != nil {
		t.tell(t.done, t.total)
	}
	return n, err
}

// packedBundle is a packed bundle that is read from its beginning to its end.
type packedBundle struct {
	packed   *zstd.Decoder
	in       *tar.Reader
	manifest Manifest
	pins     pins
	files    map[string]string // that came out, by the artefact's name
}

// ErrNotPacked is a file that Pack did not write.
var ErrNotPacked = errors.New("it does not begin with a " + manifestFile + ": it is not what `kbm bundle pack` wrote")

// openPack reads as far as the manifest, and trusts none of it.
func openPack(r io.Reader) (*packedBundle, error) {
	packed, err := zstd.NewReader(r)
	if err != nil {
		return nil, err
	}
	p := &packedBundle{packed: packed, in: tar.NewReader(packed), pins: pins{}, files: map[string]string{}}
	if err := p.readManifest(); err != nil {
		packed.Close()
		return nil, err
	}
	return p, nil
}

func (p *packedBundle) readManifest() error {
	h, err := p.in.Next()
	var disk *fs.PathError
	if errors.As(err, &disk) || errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil || h.Name != manifestFile {
		return ErrNotPacked
	}
	data, err := io.ReadAll(io.LimitReader(p.in, textLimit))
	if err != nil {
		return err
	}
	if p.manifest, err = decodeManifest(data); err != nil {
		return err
	}
	for _, a := range p.manifest.Artefacts {
		if top, _, below := strings.Cut(a.Path, "/"); !below || !slices.Contains([]string{"bin", "cni", "images"}, top) {
			return fmt.Errorf("%s: %s: the path %q is not one of a bundle", manifestFile, a.Name, a.Path)
		}
	}
	return nil
}

// takeOut writes the files under names of its own, so that no name of the
// archive is ever one on this disk.
func (p *packedBundle) takeOut(ctx context.Context, aside string) error {
	for {
		h, err := p.in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeReg && h.Name == pinsFile {
			if err := p.readPins(); err != nil {
				return err
			}
			continue
		}
		i := slices.IndexFunc(p.manifest.Artefacts, func(a Artefact) bool { return a.Path == h.Name && a.Size == h.Size })
		if i < 0 || h.Typeflag != tar.TypeReg || p.files[p.manifest.Artefacts[i].Name] != "" {
			return fmt.Errorf("%q is in it, and not in its %s", h.Name, manifestFile)
		}
		if err := p.takeOne(ctx, p.manifest.Artefacts[i], filepath.Join(aside, fmt.Sprint(i))); err != nil {
			return err
		}
	}
	for _, a := range p.manifest.Artefacts {
		if p.files[a.Name] == "" {
			return fmt.Errorf("%s is in its %s, and not in it", a.Path, manifestFile)
		}
	}
	// The checksum of the whole stands at its end.
	_, err := io.Copy(io.Discard, p.packed)
	return err
}

func (p *packedBundle) takeOne(ctx context.Context, a Artefact, file string) error {
	if err := writeFile(file, p.in); err != nil {
		return fmt.Errorf("%s: %w", a.Path, err)
	}
	sum, err := hashFile(ctx, file)
	if err != nil {
		return err
	}
	if sum != a.SHA256 {
		return fmt.Errorf("%s has sha256 %s, and its %s says %s: it was not packed so, or did not arrive whole", a.Path, sum, manifestFile, a.SHA256)
	}
	p.files[a.Name] = file
	return os.Chmod(file, a.mode())
}

func (p *packedBundle) readPins() error {
	data, err := io.ReadAll(io.LimitReader(p.in, textLimit))
	if err != nil {
		return err
	}
	p.pins, err = decodePins(data, p.manifest)
	return err
}
