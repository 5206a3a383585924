package ignition

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/kdomanski/iso9660"
)

// BundleDir is the folder of a volume with binaries and images.
const BundleDir = "kbm"

// carriedName is the file of an artefact there. The library cuts names at 30
// characters and makes dots of some: this one is short, and is nobody else's.
func carriedName(sha256 string) string { return sha256[:min(16, len(sha256))] }

func carriedPath(a Artefact) string { return BundleDir + "/" + carriedName(a.SHA256) }

func (a Artefact) sectors() int64 { return (a.Size + isoSector - 1) / isoSector }

// carriedBy lists the artefacts of a Machine, each once.
func carriedBy(m Machine) []Artefact {
	var all []Artefact
	for _, f := range m.Files {
		if f.Artefact != nil && !slices.ContainsFunc(all, func(a Artefact) bool { return a.SHA256 == f.Artefact.SHA256 }) {
			all = append(all, *f.Artefact)
		}
	}
	slices.SortFunc(all, func(a, b Artefact) int { return strings.Compare(a.SHA256, b.SHA256) })
	return all
}

// appendTo points the empty records of what is carried to where its content is
// going to be, behind the image, and makes the volume that much larger.
func appendTo(image []byte, carried []Artefact) error {
	places := map[string]Artefact{}
	starts := map[string]int64{}
	end := int64(len(image)) / isoSector
	for _, a := range carried {
		if a.Size > math.MaxInt32 {
			return fmt.Errorf("%s has %d bytes, and a file of an ISO at most 2 GiB", a.Name, a.Size)
		}
		places[carriedPath(a)], starts[carriedPath(a)] = a, end
		end += a.sectors()
	}
	if end > math.MaxInt32 {
		return errors.New("it is too large for an ISO")
	}
	err := walkISO(bytes.NewReader(image), func(e isoEntry) error {
		a, ok := places[e.path]
		if e.dir || !ok {
			return nil
		}
		iso9660.WriteInt32LSBMSB(image[e.record+isoRecordStart:], int32(starts[e.path]))
		iso9660.WriteInt32LSBMSB(image[e.record+isoRecordSize:], int32(a.Size))
		return nil
	})
	iso9660.WriteInt32LSBMSB(image[isoDescriptor+isoVolumeSpace:], int32(end))
	return err
}

// Size is that of the whole file, in bytes.
func (f RenderedFile) Size() int64 {
	size := int64(len(f.Content))
	for _, a := range f.Carried {
		size += a.sectors() * isoSector
	}
	return size
}

// Write writes the content and what it carries, which open gives. What is not
// the artefact that was asked for is an error.
func (f RenderedFile) Write(w io.Writer, open func(Artefact) (io.ReadCloser, error)) error {
	if _, err := w.Write(f.Content); err != nil {
		return err
	}
	for _, a := range f.Carried {
		if err := a.copyTo(w, open); err != nil {
			return fmt.Errorf("%s of the bundle: %w", a.Name, err)
		}
		if _, err := w.Write(make([]byte, a.sectors()*isoSector-a.Size)); err != nil {
			return err
		}
	}
	return nil
}

func (a Artefact) copyTo(w io.Writer, open func(Artefact) (io.ReadCloser, error)) (err error) {
	r, err := open(a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	sum := sha256.New()
	// One byte more than there should be tells a file that is too long.
	n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(r, a.Size+1))
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); n != a.Size || got != a.SHA256 {
		return errors.New("its file is not what the bundle's manifest says: find out with kbm bundle verify, and make or pull it anew")
	}
	return nil
}
