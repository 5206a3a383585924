package ignition

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// artefacts are a few, and what they hold: an empty one, one that fills its
// sectors, and one that does not.
func artefacts() ([]Artefact, map[string][]byte) {
	var list []Artefact
	contents := map[string][]byte{}
	for i, size := range []int{0, 3 * isoSector, 5000} {
		content := bytes.Repeat([]byte{byte('a' + i)}, size)
		sum := sha256.Sum256(content)
		a := Artefact{Name: fmt.Sprint("artefact-", i), SHA256: hex.EncodeToString(sum[:]), Size: int64(size)}
		list, contents[a.Name] = append(list, a), content
	}
	return list, contents
}

func carrying(t *testing.T) (Machine, map[string][]byte) {
	t.Helper()
	m := sample()
	list, contents := artefacts()
	for i, a := range list {
		m.Files = append(m.Files, File{Path: fmt.Sprint("/opt/bin/program-", i), Mode: 0o755, Artefact: &a, Stage: Joined})
	}
	return m, contents
}

func opened(contents map[string][]byte) func(Artefact) (io.ReadCloser, error) {
	return func(a Artefact) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(contents[a.Name])), nil }
}

// What a volume carries is what other readers find on it, and kbm too.
func TestCarriedToOtherReaders(t *testing.T) {
	m, contents := carrying(t)
	for _, target := range Targets() {
		out, err := Render(m, Options{OS: system(t, target.OSes[0]), Target: target.Name, Bundle: true})
		if target.Output != ISO {
			if err == nil || !strings.Contains(err.Error(), "carries no binaries and images") {
				t.Errorf("%s: %v, want a refusal", target.Name, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var image bytes.Buffer
		if err := out.Files[0].Write(&image, opened(contents)); err != nil || int64(image.Len()) != out.Files[0].Size() {
			t.Fatalf("%d bytes of %d, %v", image.Len(), out.Files[0].Size(), err)
		}
		t.Run(target.Name, func(t *testing.T) { carriedAgree(t, image.Bytes(), contents) })
	}
}

func carriedAgree(t *testing.T, image []byte, contents map[string][]byte) {
	othersAgree(t, image)
	iso, dir := filepath.Join(t.TempDir(), "node.iso"), t.TempDir()
	if err := os.WriteFile(iso, image, 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, "xorriso", "xorriso", "-no_rc", "-osirrox", "on", "-indev", iso, "-extract", "/kbm", dir)
	for name, content := range contents {
		sum := sha256.Sum256(content)
		if got, err := os.ReadFile(filepath.Join(dir, hex.EncodeToString(sum[:8]))); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(content), err)
		}
	}
	found, err := Inspect(bytes.NewReader(image), int64(len(image)))
	if err != nil || found.Bundle == nil || found.Bundle.Files != len(contents) || len(found.Bundle.Faults) > 0 {
		t.Errorf("found %+v, %v", found.Bundle, err)
	}
	image[len(image)-isoSector]++
	found, err = Inspect(bytes.NewReader(image), int64(len(image)))
	if err != nil || len(found.Bundle.Faults) != 1 || !strings.Contains(found.Bundle.Faults[0], "damaged") {
		t.Errorf("of a damaged one, found %+v, %v", found.Bundle, err)
	}
}

// However many files there are, their records never fill a sector exactly,
// which the library would not survive.
func TestCarriedNamesFitTheLibrary(t *testing.T) {
	names := map[string]bool{}
	for i := range 400 {
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		names[carriedName(hex.EncodeToString(sum[:]))] = false
		if fillsSector(names) {
			t.Errorf("%d files fill their sectors", len(names))
		}
	}
}

func TestCarriedRefusesAnotherFile(t *testing.T) {
	list, contents := artefacts()
	a := list[2]
	f := RenderedFile{Carried: []Artefact{a}}
	whole := contents[a.Name]
	for name, content := range map[string][]byte{"short": whole[1:], "long": append(bytes.Clone(whole), 'x'), "other": append(bytes.Clone(whole[1:]), 'x')} {
		contents[a.Name] = content
		if err := f.Write(io.Discard, opened(contents)); err == nil || !strings.Contains(err.Error(), "kbm bundle verify") {
			t.Errorf("%s: %v", name, err)
		}
	}
	gone := errors.New("gone")
	if err := f.Write(io.Discard, func(Artefact) (io.ReadCloser, error) { return nil, gone }); !errors.Is(err, gone) {
		t.Errorf("of a missing file: %v", err)
	}
}
