package ignition

import (
	"fmt"
	"io"
	"strings"
)

// Volume is an ISO 9660 image that is read in parts: it may be larger than
// memory.
type Volume struct {
	Label string
	Files []VolumeFile

	image io.ReaderAt
}

// VolumeFile is a file of a volume.
type VolumeFile struct {
	Path string
	Size int64 // bytes

	start int64
}

// OpenISO reads the directories of an image. It does not use the library's
// reader, which panics on damaged images, and so it is also a second opinion
// on what the library wrote.
func OpenISO(image io.ReaderAt) (*Volume, error) {
	v := &Volume{image: image}
	seen := map[string]bool{}
	err := walkISO(image, func(e isoEntry) error {
		if e.dir {
			return nil
		}
		if seen[e.path] {
			return fmt.Errorf("%s is there twice", e.path)
		}
		seen[e.path] = true
		v.Files = append(v.Files, VolumeFile{Path: e.path, Size: e.size, start: e.start})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read image: %w", err)
	}
	d, err := isoDescriptorOf(image)
	if err != nil {
		return nil, fmt.Errorf("read image: %w", err)
	}
	v.Label = strings.TrimRight(string(d[40:72]), " ")
	return v, nil
}

// Find returns a file by its path.
func (v *Volume) Find(path string) (VolumeFile, bool) {
	for _, f := range v.Files {
		if f.Path == path {
			return f, true
		}
	}
	return VolumeFile{}, false
}

// Open gives what a file holds.
func (v *Volume) Open(f VolumeFile) *io.SectionReader {
	return io.NewSectionReader(v.image, f.start, f.Size)
}

// Read gives all that a file holds, which must fit into memory.
func (v *Volume) Read(f VolumeFile) ([]byte, error) {
	if f.Size > plainMax {
		return nil, fmt.Errorf("read image: %s is larger than %d MiB", f.Path, plainMax>>20)
	}
	if f.Size == 0 { // at the very end of an image there is nothing to read
		return nil, nil
	}
	return readAt(v.image, f.start, f.Size)
}

// ReadISO gives the label and the files of an image, but for those of a bundle.
func ReadISO(r io.ReaderAt) (label string, files map[string][]byte, err error) {
	v, err := OpenISO(r)
	if err != nil {
		return "", nil, err
	}
	var total int64
	files = map[string][]byte{}
	for _, f := range v.Files {
		if strings.HasPrefix(f.Path, BundleDir+"/") {
			continue
		}
		if total += f.Size; total > isoMaxSize {
			return "", nil, fmt.Errorf("read image: it is larger than %d MiB", isoMaxSize>>20)
		}
		if files[f.Path], err = v.Read(f); err != nil {
			return "", nil, err
		}
	}
	return v.Label, files, nil
}
