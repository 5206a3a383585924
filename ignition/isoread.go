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
	isoRecordSize  = 10
	isoRecordDate  = 18
	isoRecordMin   = 34
	isoDirFlag     = 2
	isoMaxDepth    = 8
	// isoMaxSize is far above any payload: a bound on what a damaged or
	// foreign image can make kbm read, in bytes.
	isoMaxSize = 256 << 20
)

// The dates that every image carries, in the two forms of ECMA-119.
const (
	isoVolumeTime = "2026010100000000\x00"
	isoNoTime     = "0000000000000000\x00"
	isoRecordTime = "\x7e\x01\x01\x00\x00\x00\x00"
)

// isoEntry is one record of a directory. Data is a part of the image itself.
type isoEntry struct {
	record int // offset of the record in the image
	path   string
	dir    bool
	data   []byte
}

// ReadISO gives the label and the files of an image that WriteISO made. It
// does not use the library's reader, which panics on damaged images, and so
// it is also a second opinion on what the library wrote.
func ReadISO(r io.ReaderAt) (label string, files map[string][]byte, err error) {
	image, err := io.ReadAll(io.NewSectionReader(r, 0, isoMaxSize+1))
	if err != nil {
		return "", nil, fmt.Errorf("read image: %w", err)
	}
	if len(image) > isoMaxSize {
		return "", nil, fmt.Errorf("read image: it is larger than %d MiB", isoMaxSize>>20)
	}
	files = map[string][]byte{}
	err = walkISO(image, func(e isoEntry) error {
		if e.dir {
			return nil
		}
		if _, twice := files[e.path]; twice {
			return fmt.Errorf("%s is there twice", e.path)
		}
		files[e.path] = e.data
		return nil
	})
	if err != nil {
		return "", nil, fmt.Errorf("read image: %w", err)
	}
	label = strings.TrimRight(string(image[isoDescriptor+40:isoDescriptor+72]), " ")
	return label, files, nil
}

// walkISO calls visit for every record below the root, those of . and ..
// included (as directories with an empty path).
func walkISO(image []byte, visit func(isoEntry) error) error {
	if len(image) < isoDescriptor+2*isoSector || !bytes.HasPrefix(image[isoDescriptor:], []byte("\x01CD001\x01")) {
		return errors.New("this is not an ISO 9660 image")
	}
	return walkRecords(image, isoDescriptor+isoRootRecord, "", 0, visit)
}

func walkRecords(image []byte, record int, dir string, depth int, visit func(isoEntry) error) error {
	if depth > isoMaxDepth {
		return errors.New("directories are nested too deeply")
	}
	start, records, err := extent(image, record)
	if err != nil {
		return err
	}
	for at := 0; at+isoRecordMin <= len(records); {
		length := int(records[at])
		if length == 0 { // the rest of the sector is padding
			at += isoSector - at%isoSector
			continue
		}
		e, err := parseRecord(image, start+at, length, dir)
		if err != nil {
			return err
		}
		if err := visit(e); err != nil {
			return err
		}
		if e.dir && e.path != "" {
			if err := walkRecords(image, e.record, e.path, depth+1, visit); err != nil {
				return err
			}
		}
		at += length
	}
	return nil
}

func parseRecord(image []byte, at, length int, dir string) (isoEntry, error) {
	if length < isoRecordMin || at+length > len(image) || isoRecordMin-1+int(image[at+32]) > length {
		return isoEntry{}, fmt.Errorf("a record of directory %q is damaged", dir)
	}
	_, data, err := extent(image, at)
	if err != nil {
		return isoEntry{}, err
	}
	e := isoEntry{record: at, dir: image[at+25]&isoDirFlag != 0, data: data}
	id := string(image[at+33 : at+33+int(image[at+32])])
	if id == "\x00" || id == "\x01" {
		return e, nil
	}
	id = linuxName(id, image[at:at+length])
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

// extent is the part of the image that a record points to.
func extent(image []byte, record int) (start int, data []byte, err error) {
	first := int(binary.LittleEndian.Uint32(image[record+2:])) * isoSector
	size := int(binary.LittleEndian.Uint32(image[record+10:]))
	if first > len(image) || size > len(image)-first {
		return 0, nil, errors.New("the image is cut short")
	}
	return first, image[first : first+size : first+size], nil
}
