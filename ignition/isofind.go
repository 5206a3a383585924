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

// errNotInISO is a path that an image does not have.
var errNotInISO = errors.New("it is not in the image")

// isoDirMax bounds what is read of one directory, in bytes.
const isoDirMax = 1 << 20

// findISO gives the place of a file in an image that others made, without
// reading all of it: a live system has a gigabyte. Names are compared as Rock
// Ridge has them, or as ISO 9660 cuts them (8.3, upper case).
func findISO(r io.ReaderAt, size int64, name string) (start, length int64, err error) {
	descriptor, err := readAt(r, isoDescriptor, isoSector)
	if err != nil || !bytes.HasPrefix(descriptor, []byte("\x01CD001\x01")) {
		return 0, 0, errors.New("this is not an ISO 9660 image")
	}
	record := descriptor[isoRootRecord:]
	for step := range strings.SplitSeq(path.Clean(strings.TrimPrefix(name, "/")), "/") {
		start, length := foundExtent(record)
		if start+length > size || length > isoDirMax {
			return 0, 0, errors.New("the image is cut short or damaged")
		}
		records, err := readAt(r, start, length)
		if err != nil {
			return 0, 0, err
		}
		if record = findRecord(records, step); record == nil {
			return 0, 0, fmt.Errorf("%s: %w", name, errNotInISO)
		}
	}
	start, length = foundExtent(record)
	if start+length > size {
		return 0, 0, errors.New("the image is cut short")
	}
	return start, length, nil
}

func foundExtent(record []byte) (start, length int64) {
	return int64(binary.LittleEndian.Uint32(record[2:])) * isoSector, int64(binary.LittleEndian.Uint32(record[isoRecordSize:]))
}

// findRecord is the record of that name, nil where there is none.
func findRecord(records []byte, name string) []byte {
	for at := 0; at+isoRecordMin <= len(records); {
		length := int(records[at])
		if length == 0 { // the rest of the sector is padding
			at += isoSector - at%isoSector
			continue
		}
		if length < isoRecordMin || at+length > len(records) {
			return nil
		}
		record := records[at : at+length]
		if idEnd := 33 + int(record[32]); idEnd <= length {
			if got := linuxName(string(record[33:idEnd]), record); got == name || got == shortName(name) {
				return record
			}
		}
		at += length
	}
	return nil
}

// rockRidgeName is what the fields NM of a record's system use area say (IEEE
// P1282, 4.1.4).
func rockRidgeName(area []byte) string {
	var name strings.Builder
	for len(area) >= 4 {
		length := int(area[2])
		if length < 4 || length > len(area) {
			break
		}
		if string(area[:2]) == "NM" && length > 5 {
			name.Write(area[5:length])
		}
		area = area[length:]
	}
	return name.String()
}

// shortName is a name as level 1 of ISO 9660 has it.
func shortName(name string) string {
	ext := path.Ext(name)
	base := strings.TrimSuffix(name, ext)
	return base[:min(len(base), 8)] + ext[:min(len(ext), 4)]
}
