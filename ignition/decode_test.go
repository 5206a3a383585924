package ignition

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"testing"
)

func gunzip(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func decodeCloud(t *testing.T, f cloudFile) []byte {
	t.Helper()
	if f.Encoding == "" {
		return []byte(f.Content)
	}
	data, err := base64.StdEncoding.DecodeString(f.Content)
	if err != nil {
		t.Fatal(err)
	}
	if f.Encoding == "gz+b64" {
		return gunzip(t, data)
	}
	return data
}
