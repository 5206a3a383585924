package atomicfile

import (
	"errors"
	"io"
	"path/filepath"
	"testing"
)

func TestStream(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "large")
	write := func(text string, fail error) error {
		return Stream(path, 0o600, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return errors.Join(err, fail)
		})
	}
	if err := write("one", nil); err != nil {
		t.Fatal(err)
	}
	content(t, path, "one", 0o600)
	// What is cut in the middle leaves what was there.
	cut := errors.New("cut")
	if err := write("half", cut); !errors.Is(err, cut) {
		t.Errorf("got %v", err)
	}
	content(t, path, "one", 0o600)
	expect(t, dir, "large")
}
