package ignition

import (
	"bytes"
	"compress/gzip"
	"unicode"
	"unicode/utf8"
)

// packAbove is the size in bytes from which content is worth compressing: less
// stays readable in the rendered file.
const packAbove = 8 << 10

// pack compresses what is large and becomes smaller by it.
func pack(content []byte) ([]byte, bool) {
	if len(content) <= packAbove {
		return nil, false
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b) // no name and no date in the header: the same each time
	if _, err := w.Write(content); err != nil {
		return nil, false
	}
	if err := w.Close(); err != nil || b.Len() >= len(content) {
		return nil, false
	}
	return b.Bytes(), true
}

// isText says whether every YAML reader gives these bytes back unchanged.
func isText(content []byte) bool {
	if !utf8.Valid(content) {
		return false
	}
	for _, r := range string(content) {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
