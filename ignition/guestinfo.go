package ignition

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
)

// guestinfo is the encoding that VMware's tools and Ignition call gzip+base64,
// on one line.
func guestinfo(config []byte) ([]byte, error) {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression) // no name and no date: the same each time
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(config); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return base64.StdEncoding.AppendEncode(nil, packed.Bytes()), nil
}
