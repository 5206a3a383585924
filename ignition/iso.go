package ignition

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/kdomanski/iso9660"
)

// WriteISO makes an ISO 9660 image: identical input gives identical bytes,
// whatever the clock, time zone and system. Paths are relative with slashes.
// The image is read back and compared before it is returned.
func WriteISO(label string, files map[string][]byte) ([]byte, error) {
	return new(isoWriter).write(label, files)
}

// isoWriter makes many images. The library stages each one on disk; nodes of
// one cluster differ in content only, so what it laid out is used again.
type isoWriter struct {
	layouts sync.Map // label, paths and sectors → image of zeroes
}

func (w *isoWriter) write(label string, files map[string][]byte) ([]byte, error) {
	return w.begin(label, files, nil)
}

// begin makes an image without the content of what is carried: that follows the
// image in the given order, each file filled up to a sector.
func (w *isoWriter) begin(label string, files map[string][]byte, carried []Artefact) ([]byte, error) {
	all := maps.Clone(files)
	for _, a := range carried {
		all[carriedPath(a)] = nil
	}
	if err := checkISO(label, all); err != nil {
		return nil, err
	}
	image, err := w.layout(label, all)
	if err != nil {
		return nil, fmt.Errorf("write image %s: %w", label, err)
	}
	if err := fill(image, files); err != nil {
		return nil, fmt.Errorf("write image %s: %w", label, err)
	}
	if err := appendTo(image, carried); err != nil {
		return nil, fmt.Errorf("write image %s: %w", label, err)
	}
	if err := verifyISO(image, label, files, carried...); err != nil {
		return nil, fmt.Errorf("read back image %s: %w", label, err)
	}
	return image, nil
}

// fill puts the content into the places that the layout has for it.
func fill(image []byte, files map[string][]byte) error {
	return walkISO(bytes.NewReader(image), func(e isoEntry) error {
		content, ok := files[e.path]
		if e.dir || !ok {
			return nil
		}
		if int64(sectors(content))*isoSector != e.size {
			return fmt.Errorf("%s has %d bytes for %d", e.path, e.size, len(content))
		}
		copy(image[e.start:], content)
		iso9660.WriteInt32LSBMSB(image[e.record+isoRecordSize:], int32(len(content)))
		return nil
	})
}

// layout gives an image of zeroes, which the caller may fill.
func (w *isoWriter) layout(label string, files map[string][]byte) ([]byte, error) {
	key := label
	for _, name := range slices.Sorted(maps.Keys(files)) {
		key += fmt.Sprintf("/%s:%d", name, sectors(files[name]))
	}
	if known, ok := w.layouts.Load(key); ok {
		return bytes.Clone(known.([]byte)), nil
	}
	image, err := layoutISO(label, files)
	if err != nil {
		return nil, err
	}
	w.layouts.Store(key, bytes.Clone(image))
	return image, nil
}

func sectors(content []byte) int { return (len(content) + isoSector - 1) / isoSector }

// layoutISO has the library lay the image out. A payload may hold a private
// key, and the library stages every file on disk: it gets zeroes instead, as
// many sectors of them, and the content goes straight into the image.
func layoutISO(label string, files map[string][]byte) (image []byte, err error) {
	w, err := iso9660.NewWriter()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.Cleanup()) }()
	for name, content := range files {
		size := int64(sectors(content)) * isoSector
		if err := w.AddFile(io.LimitReader(zeroes{}, size), name); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	if err := w.WriteTo(&b, label); err != nil {
		return nil, err
	}
	return b.Bytes(), normalizeISO(b.Bytes())
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// normalizeISO replaces what the library takes from the clock and the system:
// the volume's dates (ECMA-119 8.4.26) and system identifier, and the date of
// every record.
func normalizeISO(image []byte) error {
	d := image[isoDescriptor:]
	copy(d[8:40], fmt.Sprintf("%-32s", "LINUX"))
	for _, offset := range []int{813, 830, 864} {
		copy(d[offset:], isoVolumeTime)
	}
	copy(d[847:], isoNoTime)
	copy(d[isoRootRecord+isoRecordDate:], isoRecordTime)
	return walkISO(bytes.NewReader(image), func(e isoEntry) error {
		copy(image[e.record+isoRecordDate:], isoRecordTime)
		return nil
	})
}

func verifyISO(image []byte, label string, files map[string][]byte, carried ...Artefact) error {
	v, err := OpenISO(bytes.NewReader(image))
	if err != nil {
		return err
	}
	if v.Label != label {
		return fmt.Errorf("the label is %q", v.Label)
	}
	if len(v.Files) != len(files)+len(carried) {
		return fmt.Errorf("it has %d files", len(v.Files))
	}
	end := int64(len(image))
	for _, a := range carried {
		if f, ok := v.Find(carriedPath(a)); !ok || f.Size != a.Size || f.start != end {
			return fmt.Errorf("%s is missing or in another place", carriedPath(a))
		}
		end += a.sectors() * isoSector
	}
	for name, content := range files {
		f, ok := v.Find(name)
		if !ok {
			return fmt.Errorf("%s is missing", name)
		}
		if found, err := v.Read(f); err != nil || !bytes.Equal(found, content) {
			return fmt.Errorf("%s differs", name)
		}
	}
	return nil
}
