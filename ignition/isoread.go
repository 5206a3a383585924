package ignition

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Places in an image and in its records, as ECMA-119 numbers them (8.4, 9.1).
const (
	isoSector     = 2048
	isoDescriptor = 16 * isoSector
	isoRootRecord = 156
	// isoVolumeSpace is the number of sectors of the volume.
	isoVolumeSpace = 80
	isoRecordStart = 2
	isoRecordSize  = 10
	isoRecordDate  = 18
	isoRecordMin   = 34
	isoDirFlag     = 2
	isoMaxDepth    = 8
	// isoMaxEntries and isoMaxSize are far above any payload: bounds on what a
	// damaged or foreign image can make kbm read, the second in bytes.
	isoMaxEntries = 1 << 16
	isoMaxSize    = 256 << 20
)

// The dates that every image carries, in the two forms of ECMA-119.
const (
	isoVolumeTime = "2026010100000000\x00"
	isoNoTime     = "0000000000000000\x00"
	isoRecordTime = "\x7e\x01\x01\x00\x00\x00\x00"
)

// isoEntry is one record of a directory.
type isoEntry struct {
	record      int64 // offset of the record in the image
	path        string
	dir         bool
	start, size int64 // of what it points to, in bytes
}

// isoWalk goes through the directories of an image, and reads nothing else.
type isoWalk struct {
	image io.ReaderAt
	size  int64 // of the volume, in bytes
	seen  int   // entries
	visit func(isoEntry) error
}

// walkISO calls visit for every record below the root, those of . and ..
// included (as directories with an empty path).
func walkISO(image io.ReaderAt, visit func(isoEntry) error) error {
	d, err := isoDescriptorOf(image)
	if err != nil {
		return err
	}
	w := &isoWalk{image: image, visit: visit, size: int64(binary.LittleEndian.Uint32(d[isoVolumeSpace:])) * isoSector}
	root, err := w.parse(d[isoRootRecord:isoRootRecord+isoRecordMin], isoDescriptor+isoRootRecord, "")
	if err != nil {
		return err
	}
	return w.records(root, 0)
}

// isoDescriptorOf reads the primary volume descriptor.
func isoDescriptorOf(image io.ReaderAt) ([]byte, error) {
	d, err := readAt(image, isoDescriptor, isoSector)
	if err != nil || !bytes.HasPrefix(d, []byte("\x01CD001\x01")) {
		return nil, errors.New("this is not an ISO 9660 image")
	}
	return d, nil
}

func (w *isoWalk) records(dir isoEntry, depth int) error {
	if depth > isoMaxDepth {
		return errors.New("directories are nested too deeply")
	}
	if dir.size > isoDirMax {
		return fmt.Errorf("directory %q is damaged", dir.path)
	}
	records, err := readAt(w.image, dir.start, dir.size)
	if err != nil {
		return errors.New("the image is cut short")
	}
	for at := 0; at+isoRecordMin <= len(records); {
		length := int(records[at])
		if length == 0 { // the rest of the sector is padding
			at += isoSector - at%isoSector
			continue
		}
		if at+length > len(records) {
			return fmt.Errorf("a record of directory %q is damaged", dir.path)
		}
		e, err := w.parse(records[at:at+length], dir.start+int64(at), dir.path)
		if err != nil {
			return err
		}
		if w.seen++; w.seen > isoMaxEntries {
			return fmt.Errorf("it has more than %d files", isoMaxEntries)
		}
		if err := w.visit(e); err != nil {
			return err
		}
		if e.dir && e.path != "" {
			if err := w.records(e, depth+1); err != nil {
				return err
			}
		}
		at += length
	}
	return nil
}

func (w *isoWalk) parse(record []byte, at int64, dir string) (isoEntry, error) {
	if len(record) < isoRecordMin || isoRecordMin-1+int(record[32]) > len(record) {
		return isoEntry{}, fmt.Errorf("a record of directory %q is damaged", dir)
	}
	e := isoEntry{record: at, dir: record[25]&isoDirFlag != 0}
	if e.start, e.size = foundExtent(record); e.start+e.size > w.size {
		return isoEntry{}, errors.New("the image is cut short")
	}
	id := string(record[33 : 33+int(record[32])])
	if id == "\x00" || id == "\x01" {
		return e, nil
	}
	id = linuxName(id, record)
	if id == "" || id == "." || id == ".." || strings.ContainsAny(id, "/\x00") {
		return isoEntry{}, fmt.Errorf("a name in directory %q is damaged", dir)
	}
	e.path = path.Join(dir, id)
	return e, nil
}

// linuxName is the name that Linux shows: Rock Ridge's, or else the record's
// own without its version and in lower case (mount option map=normal).
func linuxName(id string, record []byte) string {
	// A record's parts start at even offsets.
	end := 33 + int(record[32])
	if name := rockRidgeName(record[min(end+end%2, len(record)):]); name != "" {
		return name
	}
	id, _, _ = strings.Cut(id, ";")
	return strings.ToLower(strings.TrimSuffix(id, "."))
}
