package ignition

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// liveISO makes an image with the layout of Fedora CoreOS's: a place of space
// bytes in images/ignition.img, which coreos/igninfo.json points to.
func liveISO(t *testing.T, space int, info string, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	kernel := bytes.Repeat([]byte("kernel"), 5000)
	for name, content := range map[string][]byte{
		"images/vmlinuz": kernel, "images/ignition.img": make([]byte, space), "zipl.prm": kernel, "coreos/igninfo.json": []byte(info),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if info == "" && name == "coreos/igninfo.json" {
			continue
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	iso := filepath.Join(t.TempDir(), "live.iso")
	tool(t, "xorriso", "xorriso", append(append([]string{"-as", "mkisofs", "-quiet", "-V", "fedora-coreos-44"}, args...), "-o", iso, dir)...)
	image, err := os.ReadFile(iso)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func openLive(t *testing.T, image []byte) *Live {
	t.Helper()
	l, err := OpenLive(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The configuration is in the copy where the boot loader looks, as xz sees it
// too; nothing else of the image differs, and only one goes in.
func TestLiveISO(t *testing.T) {
	config := []byte(`{"ignition":{"version":"3.4.0"}}` + "\n")
	for name, image := range map[string][]byte{
		"igninfo":   liveISO(t, liveSize, `{"file": "images/ignition.img"}`, "-R", "-J"),
		"a part":    liveISO(t, liveSize, `{"file": "/images/ignition.img", "offset": 4096, "length": 8192}`, "-R"),
		"fallback":  liveISO(t, liveSize, "", "-R"),
		"8.3 names": liveISO(t, liveSize, `{"file": "images/ignition.img"}`, "-iso-level", "1"),
	} {
		t.Run(name, func(t *testing.T) {
			live := openLive(t, image)
			if got, err := live.Config(); got != nil || err != nil {
				t.Fatalf("an empty image holds %q, %v", got, err)
			}
			var out bytes.Buffer
			if err := live.Write(&out, config); err != nil {
				t.Fatal(err)
			}
			made := out.Bytes()
			copied := openLive(t, made)
			if got, err := copied.Config(); err != nil || !bytes.Equal(got, config) {
				t.Errorf("read back %q, %v", got, err)
			}
			end := live.start + live.space
			if len(made) != len(image) || !bytes.Equal(made[:live.start], image[:live.start]) || !bytes.Equal(made[end:], image[end:]) {
				t.Error("the image differs outside of its place for a configuration")
			}
			unpack := exec.CommandContext(t.Context(), "xz", "-dc", "--single-stream")
			unpack.Stdin = bytes.NewReader(made[live.start:end])
			// The archive ends before the place does, which xz takes for a fault.
			if got, _ := unpack.Output(); !bytes.HasPrefix(got, []byte("070701")) || !bytes.Contains(got, config) {
				t.Errorf("xz reads %q", got)
			}
			if err := copied.Write(&out, config); err == nil || !strings.Contains(err.Error(), "already") {
				t.Errorf("a second configuration: %v", err)
			}
		})
	}
}

func TestLiveISORefuses(t *testing.T) {
	noise := make([]byte, 64<<10)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // it never fails
	small := openLive(t, liveISO(t, 32<<10, "", "-R"))
	if err := small.Write(&bytes.Buffer{}, noise); err == nil || !strings.Contains(err.Error(), "room for 32768") {
		t.Errorf("too large: %v", err)
	}
	ours, err := WriteISO("cidata", sampleFiles())
	if err != nil {
		t.Fatal(err)
	}
	image := liveISO(t, liveSize, `{"file": "images/ignition.img"}`, "-R")
	for want, image := range map[string][]byte{
		"no live ISO":  ours,
		"not an ISO":   []byte("text"),
		"cut short":    image[:openLive(t, image).start+100],
		"igninfo.json": liveISO(t, liveSize, `{"file":`, "-R"),
		"outside":      liveISO(t, liveSize, fmt.Sprintf(`{"file": "images/ignition.img", "offset": %d}`, liveSize), "-R"),
		"a place outs": liveISO(t, liveSize, `{"file": "images/ignition.img", "offset": 2048, "length": 9223372036854775807}`, "-R"),
		"no nowhere":   liveISO(t, liveSize, `{"file": "nowhere"}`, "-R"),
	} {
		if _, err := OpenLive(bytes.NewReader(image), int64(len(image))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

// The kernel unpacks xz only with this checksum, or with none.
func TestLiveArchiveIsForTheKernel(t *testing.T) {
	archive, err := liveArchive([]byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if check := binary.BigEndian.Uint16(archive[6:]); check != 1 || len(archive)%4 != 0 {
		t.Errorf("checksum type %d, %d bytes", check, len(archive))
	}
}
