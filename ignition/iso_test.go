package ignition

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func sampleFiles() map[string][]byte {
	return map[string][]byte{
		"openstack/latest/user_data":      []byte("payload\n"),
		"openstack/latest/meta_data.json": []byte("{}\n"),
		"network-config":                  bytes.Repeat([]byte("0123456789abcdef"), 128), // one whole sector
		"empty":                           {},
	}
}

func TestISOIsTheSameEverywhere(t *testing.T) {
	want, err := WriteISO("config-2", sampleFiles())
	if err != nil {
		t.Fatal(err)
	}
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	for _, zone := range []int{0, -11, 14} {
		time.Local = time.FixedZone("somewhere", zone*3600)
		t.Chdir(t.TempDir())
		t.Setenv("TMPDIR", t.TempDir())
		got, err := WriteISO("config-2", sampleFiles())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("the image differs in time zone UTC%+d", zone)
		}
	}
}

func TestISORefusesWhatWouldNotArriveUnchanged(t *testing.T) {
	full := map[string][]byte{}
	for i := range 45 { // 45 records of 44 bytes are 1980, and . and .. are 68
		full[fmt.Sprintf("file-%03d", i)] = nil
	}
	for name, c := range map[string]struct {
		label string
		files map[string][]byte
		want  string
	}{
		"label too long":     {strings.Repeat("x", 33), sampleFiles(), "1 to 32"},
		"label empty":        {"", sampleFiles(), "1 to 32"},
		"no files":           {"cidata", nil, "empty"},
		"name too long":      {"cidata", map[string][]byte{strings.Repeat("n", 29): nil}, "at most 28"},
		"upper case folds":   {"cidata", map[string][]byte{"User-Data": nil}, "lower-case"},
		"second dot folds":   {"cidata", map[string][]byte{"user.data.json": nil}, "one extension"},
		"long extension":     {"cidata", map[string][]byte{"a.123456789": nil}, "at most 8"},
		"directory too long": {"cidata", map[string][]byte{strings.Repeat("d", 32) + "/a": nil}, "at most 31"},
		"dot in directory":   {"cidata", map[string][]byte{"a.b/c": nil}, "directory name"},
		"leading slash":      {"cidata", map[string][]byte{"/user-data": nil}, "directory name"},
		"parent":             {"cidata", map[string][]byte{"../user-data": nil}, "directory name"},
		"file and directory": {"cidata", map[string][]byte{"a": nil, "a/b": nil}, "a file and a directory"},
		"too deep":           {"cidata", map[string][]byte{"a/b/c/d/e/f/g/h/i": nil}, "deep"},
		"exactly one sector": {"cidata", full, "fill a sector"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := WriteISO(c.label, c.files)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestISOReadBackNoticesEveryDifference(t *testing.T) {
	files := sampleFiles()
	image, err := WriteISO("cidata", files)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifyISO(image, "config-2", files); err == nil {
		t.Error("another label was accepted")
	}
	more := maps.Clone(files)
	more["user-data"] = nil
	if err := verifyISO(image, "cidata", more); err == nil {
		t.Error("a missing file was accepted")
	}
	delete(files, "empty")
	if err := verifyISO(image, "cidata", files); err == nil {
		t.Error("a foreign file was accepted")
	}
	image[bytes.Index(image, []byte("payload\n"))]++
	if err := verifyISO(image, "cidata", sampleFiles()); err == nil {
		t.Error("altered content was accepted")
	}
}

func FuzzISORoundTrip(f *testing.F) {
	f.Add("user-data", []byte("#cloud-config\n"), "meta-data", []byte("x"))
	f.Add("openstack/latest/user_data", []byte{}, "openstack/latest/meta_data.json", bytes.Repeat([]byte{0xff}, 4096))
	f.Fuzz(func(t *testing.T, name1 string, content1 []byte, name2 string, content2 []byte) {
		files := map[string][]byte{name1: content1}
		files[name2] = content2
		image, err := WriteISO("cidata", files)
		if err != nil {
			if strings.Contains(err.Error(), "read back") {
				t.Fatal(err)
			}
			return
		}
		label, got, err := ReadISO(bytes.NewReader(image))
		if err != nil || label != "cidata" {
			t.Fatalf("label %q, error %v", label, err)
		}
		if !maps.EqualFunc(got, files, bytes.Equal) {
			t.Errorf("got %q, want %q", got, files)
		}
	})
}

// A damaged image is an error, never a panic.
func FuzzReadISO(f *testing.F) {
	image, err := WriteISO("cidata", sampleFiles())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(isoDescriptor+isoRootRecord), []byte{1})
	f.Add(uint32(18*isoSector), []byte{34, 0, 255, 255})
	f.Fuzz(func(_ *testing.T, at uint32, patch []byte) {
		damaged := bytes.Clone(image)
		copy(damaged[int(at)%len(damaged):], patch)
		_, _, _ = ReadISO(bytes.NewReader(damaged))
		_, _, _ = ReadISO(bytes.NewReader(damaged[:int(at)%len(damaged)]))
	})
}

// What other readers see is what counts in a machine: of the sample, and of
// every medium that kbm makes.
func TestISOToOtherReaders(t *testing.T) {
	images := map[string][]byte{}
	var err error
	if images["sample"], err = WriteISO("config-2", sampleFiles()); err != nil {
		t.Fatal(err)
	}
	for _, target := range Targets() {
		if target.Output != ISO {
			continue
		}
		out, err := Render(sample(), Options{OS: system(t, target.OSes[0]), Target: target.Name, Stage: Joined})
		if err != nil {
			t.Fatal(err)
		}
		images[target.Name] = out.Files[0].Content
	}
	if images["stick"], err = stick(t, "nocloud", "debian", stickNodes()); err != nil {
		t.Fatal(err)
	}
	for name, image := range images {
		t.Run(name, func(t *testing.T) { othersAgree(t, image) })
	}
}

func othersAgree(t *testing.T, image []byte) {
	label, files, err := ReadISO(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	iso := filepath.Join(t.TempDir(), "node.iso")
	if err := os.WriteFile(iso, image, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := tool(t, "util-linux", "blkid", "-p", "-o", "value", "-s", "LABEL", iso); strings.TrimSpace(got) != label {
		t.Errorf("blkid sees label %q", got)
	}
	if got := tool(t, "genisoimage", "isoinfo", "-d", "-i", iso); !strings.Contains(got, "Volume id: "+label+"\n") || !strings.Contains(got, "System id: LINUX\n") {
		t.Errorf("isoinfo sees\n%s", got)
	}
	if got := tool(t, "genisoimage", "isoinfo", "-l", "-i", iso); strings.Count(got, "Jan  1 2026") < len(files) {
		t.Errorf("isoinfo sees other dates\n%s", got)
	}
	for reader, args := range map[string][]string{
		"xorriso": {"xorriso", "-no_rc", "-osirrox", "on", "-indev", iso, "-extract", "/", ""},
		"7z":      {"p7zip-full", "x", "-y", iso, "-o"},
	} {
		out := t.TempDir()
		args[len(args)-1] += out
		tool(t, args[0], reader, args[1:]...)
		for name, want := range files {
			got, err := os.ReadFile(filepath.Join(out, name))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s reads %s as %.60q (%v)", reader, name, got, err)
			}
		}
	}
}

// tool runs a program of a Debian package, with a name for whoever lacks it.
func tool(t *testing.T, pkg, name string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: apt install %s", name, pkg)
	}
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}
