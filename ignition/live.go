package ignition

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/cavaliergopher/cpio"
	"github.com/ulikunitz/xz"
)

// liveSize is the room that Fedora CoreOS leaves in its live ISO, in bytes.
const liveSize = 256 << 10

// Live is a live ISO of Fedora CoreOS. It has a place for a configuration: a
// part of it that the boot loader hands to the kernel behind the initrd, and in
// which an archive with config.ign is what Ignition reads.
type Live struct {
	image        io.ReaderAt
	size         int64
	start, space int64 // of that place, in bytes
}

// liveInfo is /coreos/igninfo.json. Images without one are older.
// https://github.com/coreos/coreos-assembler/blob/main/src/cmd-buildextend-live
type liveInfo struct {
	File   string `json:"file"`
	Offset int64  `json:"offset"` // in the file, in bytes
	Length *int64 `json:"length"` // to the file's end unless set
}

// OpenLive finds the place in an image of that size.
func OpenLive(image io.ReaderAt, size int64) (*Live, error) {
	info := liveInfo{File: "images/ignition.img"}
	start, length, err := findISO(image, size, "coreos/igninfo.json")
	switch {
	case err == nil:
		text, err := readAt(image, start, min(length, 1<<16))
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &info); err != nil {
			return nil, fmt.Errorf("its /coreos/igninfo.json: %w", err)
		}
	case !errors.Is(err, errNotInISO):
		return nil, err
	}
	start, length, err = findISO(image, size, info.File)
	if errors.Is(err, errNotInISO) {
		return nil, fmt.Errorf("it has no %s: this is no live ISO of Fedora CoreOS", info.File)
	}
	if err != nil {
		return nil, err
	}
	l := &Live{image: image, size: size, start: start + info.Offset, space: length - info.Offset}
	if info.Length != nil {
		l.space = *info.Length
	}
	switch {
	case info.Offset < 0 || l.space <= 0 || l.space > length-info.Offset:
		return nil, fmt.Errorf("its /coreos/igninfo.json names a place outside of %s", info.File)
	case l.space > plainMax:
		return nil, fmt.Errorf("its place for a configuration has %d bytes: this is no live ISO of Fedora CoreOS", l.space)
	}
	return l, nil
}

// Config is the configuration in the image, nil where there is none yet.
func (l *Live) Config() ([]byte, error) {
	area, err := readAt(l.image, l.start, l.space)
	if err != nil {
		return nil, err
	}
	if len(bytes.Trim(area, "\x00")) == 0 {
		return nil, nil
	}
	unpacked, err := xz.NewReader(bytes.NewReader(bytes.TrimRight(area, "\x00")))
	if err != nil {
		return nil, fmt.Errorf("its place for a configuration: %w", err)
	}
	files := cpio.NewReader(unpacked)
	for {
		h, err := files.Next()
		if err != nil {
			return nil, fmt.Errorf("its place for a configuration has no %s: %w", configName, err)
		}
		if h.Name == configName {
			return io.ReadAll(io.LimitReader(files, isoMaxSize))
		}
	}
}

// Accepts tells what keeps a configuration from going into the image.
func (l *Live) Accepts(config []byte) error {
	_, err := l.area(config)
	return err
}

// Write copies the image to w with a configuration in it.
func (l *Live) Write(w io.Writer, config []byte) error {
	area, err := l.area(config)
	if err != nil {
		return err
	}
	end := l.start + l.space
	_, err = io.Copy(w, io.MultiReader(
		io.NewSectionReader(l.image, 0, l.start), bytes.NewReader(area), io.NewSectionReader(l.image, end, l.size-end),
	))
	return err
}

// area is the place with a configuration in it.
func (l *Live) area(config []byte) ([]byte, error) {
	old, err := l.Config()
	if err != nil {
		return nil, err
	}
	if old != nil {
		return nil, errors.New("it holds a configuration already; take the image as it was downloaded")
	}
	archive, err := liveArchive(config)
	if err != nil {
		return nil, err
	}
	if int64(len(archive)) > l.space {
		return nil, fmt.Errorf("the configuration has %d bytes when it is packed, and the image has room for %d; choose another target (kbm media targets)", len(archive), l.space)
	}
	return append(archive, make([]byte, l.space-int64(len(archive)))...), nil
}

// liveArchive is an initrd that holds the configuration: a cpio of the form
// newc, packed with a checksum that the kernel knows (CRC32 only, see
// linux/Documentation/staging/xz.rst), and filled to its alignment of 4 bytes.
func liveArchive(config []byte) ([]byte, error) {
	var archive bytes.Buffer
	files := cpio.NewWriter(&archive)
	if err := files.WriteHeader(&cpio.Header{Name: configName, Mode: cpio.TypeReg | 0o600, Size: int64(len(config)), Links: 1}); err != nil {
		return nil, fmt.Errorf("archive the configuration: %w", err)
	}
	_, err := files.Write(config)
	if err := errors.Join(err, files.Close()); err != nil {
		return nil, fmt.Errorf("archive the configuration: %w", err)
	}
	var packed bytes.Buffer
	w, err := xz.WriterConfig{CheckSum: xz.CRC32}.NewWriter(&packed)
	if err != nil {
		return nil, fmt.Errorf("pack the configuration: %w", err)
	}
	_, err = w.Write(archive.Bytes())
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("pack the configuration: %w", err)
	}
	for packed.Len()%4 != 0 {
		packed.WriteByte(0)
	}
	return packed.Bytes(), nil
}

func readAt(r io.ReaderAt, start, length int64) ([]byte, error) {
	b := make([]byte, length)
	if _, err := r.ReadAt(b, start); err != nil {
		return nil, fmt.Errorf("read image: %w", err)
	}
	return b, nil
}
