package atomicfile

import (
	"errors"
	"io"
	"os"
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

// A streamed file of a batch is compared and dropped as any other.
func TestBatchOfStreams(t *testing.T) {
	dir := t.TempDir()
	path, beside := filepath.Join(dir, "large"), filepath.Join(dir, "small")
	write := func(text string, fail error) ([]string, error) {
		var b Batch
		b.Add(beside, []byte("small of "+text), 0o600)
		b.AddStream(path, int64(len(text)), 0o600, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return errors.Join(err, fail)
		})
		if err := b.Stage(); err != nil {
			return nil, err
		}
		changed := b.Changed()
		return changed, b.Commit()
	}
	if _, err := write("one", nil); err != nil {
		t.Fatal(err)
	}
	before := content(t, path, "one", 0o600)
	if changed, err := write("one", nil); err != nil || len(changed) > 0 {
		t.Errorf("the same again: changed %q, %v", changed, err)
	}
	if after := content(t, path, "one", 0o600); !os.SameFile(before, after) {
		t.Error("an unchanged file was written again")
	}
	full := errors.New("no space left")
	if _, err := write("half", full); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	content(t, beside, "small of one", 0o600)
	if changed, err := write("two", nil); err != nil || len(changed) != 2 {
		t.Errorf("changed %q, %v", changed, err)
	}
	content(t, path, "two", 0o600)
	expect(t, dir, "large", "small")
}
