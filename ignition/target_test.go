package ignition

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
)

// Every target gives every system that reads it what it looks for: the label,
// the paths, the format, and steps that name the file.
func TestRenderForEveryTarget(t *testing.T) {
	for _, target := range Targets() {
		for _, name := range target.OSes {
			t.Run(target.Name+"/"+name, func(t *testing.T) {
				os := system(t, name)
				out, err := Render(sample(), Options{OS: os, Target: target.Name})
				if err != nil {
					t.Fatal(err)
				}
				files := map[string][]byte{}
				for _, f := range out.Files {
					files[f.Name] = f.Content
				}
				golden(t, target.Name+"/contents."+name, files["contents.txt"])
				steps, err := target.StepsFor("cp1", os, "build/cp1")
				if err != nil || !strings.Contains(strings.Join(steps, "\n"), "cp1") {
					t.Errorf("steps %q, error %v", steps, err)
				}
				golden(t, target.Name+"/steps."+name, []byte(strings.Join(steps, "\n")+"\n"))
				if target.Output == ISO {
					onVolume(t, target, files[out.Main], files[target.plainName()])
				} else if target.encode == nil && !bytes.Equal(files[out.Main], files[target.plainName()]) {
					t.Error("the file is not the configuration")
				}
				if !slices.Contains(FileNames("cp1"), out.Main) {
					t.Errorf("%s would not be removed when the target changes", out.Main)
				}
			})
		}
	}
}

func onVolume(t *testing.T, target Target, image, config []byte) {
	t.Helper()
	label, files, err := ReadISO(bytes.NewReader(image))
	if err != nil || label != target.Label {
		t.Fatalf("label %q, error %v", label, err)
	}
	if !bytes.Equal(files[target.Paths[0]], config) {
		t.Error("the plain file is not what is on the volume")
	}
	for name, content := range files {
		if !slices.Contains(target.Paths, name) {
			t.Errorf("%s is not in the table", name)
		}
		if name != target.Paths[0] {
			golden(t, target.Name+"/"+name, content)
		}
	}
}

// The spec may name every target of the table, and no other; each system has
// one that it reads unless another is named.
func TestSpecNamesEveryTarget(t *testing.T) {
	var names []string
	for _, target := range Targets() {
		names = append(names, target.Name)
	}
	if !slices.Equal(names, cluster.MediaTargets()) {
		t.Errorf("the table has %q, the spec allows %q", names, cluster.MediaTargets())
	}
	for _, os := range cluster.OSes() {
		target, err := FindTarget(os.Media)
		if err != nil || !slices.Contains(target.OSes, os.Name) {
			t.Errorf("%s is given %q by default: %v", os.Name, os.Media, err)
		}
	}
}

// The guide says for whom each target is.
func TestGuideNamesEveryTarget(t *testing.T) {
	guide, err := os.ReadFile("../docs/media.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range Targets() {
		if !bytes.Contains(guide, []byte("| `"+target.Name+"`")) {
			t.Errorf("%s is not in the table of docs/media.md", target.Name)
		}
	}
}

// What a system would ignore is refused, with a target that it does read.
func TestEveryOtherCombinationIsRefused(t *testing.T) {
	var all strings.Builder
	for _, os := range cluster.OSes() {
		for _, target := range Targets() {
			if slices.Contains(target.OSes, os.Name) {
				continue
			}
			_, err := Render(sample(), Options{OS: os, Target: target.Name})
			if err == nil {
				t.Errorf("%s for %s was rendered", target.Name, os.Name)
				continue
			}
			all.WriteString(os.Name + ": " + err.Error() + "\n")
			_, cure := target.refusal(os)
			if !slices.ContainsFunc(targetsOf(os.Name), func(name string) bool { return strings.Contains(cure, name) }) {
				t.Errorf("%s for %s: %q names no target that it reads", target.Name, os.Name, cure)
			}
		}
	}
	golden(t, "refused", []byte(all.String()))
	if _, err := Render(sample(), Options{OS: system(t, "flatcar"), Target: "floppy"}); err == nil || !strings.Contains(err.Error(), "nocloud, config-drive") {
		t.Errorf("got %v", err)
	}
}

// The cluster's own target is for machines of its own system: another system
// has another one.
func TestTargetsOfAMixedCluster(t *testing.T) {
	c := (&cluster.Cluster{OS: "debian", Media: "config-drive"}).WithNodes(
		cluster.Node{Name: "a"}, cluster.Node{Name: "b", OS: "flatcar"},
		cluster.Node{Name: "c", OS: "fcos", Media: "fcos-metal"}, cluster.Node{Name: "d", OS: "flatcar", Media: "fcos-metal"},
	)
	for name, want := range map[string]string{"a": "config-drive", "b": "openstack", "c": "fcos-metal"} {
		if n, _ := c.Node(name); c.MediaOf(n) != want {
			t.Errorf("%s has %s, want %s", name, c.MediaOf(n), want)
		}
	}
	const want = `nodes/d.yaml: media: "fcos-metal" would be ignored: Flatcar's Ignition (2.26) has no ignition.config.device; write ignition-file, and install with it`
	if faults := CheckTargets(c); faults.Error() != want {
		t.Errorf("got %v", faults)
	}
	c.Media = "proxmox"
	if faults := CheckTargets(c); len(faults) != 2 || faults[0].File != cluster.File {
		t.Errorf("got %v", faults)
	}
}

// More than a reader takes is refused.
func TestTooLargeForItsTarget(t *testing.T) {
	for _, target := range Targets() {
		m := sample()
		noise := make([]byte, target.MaxSize)
		_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // it never fails
		m.Files = append(m.Files, File{Path: "/etc/noise", Mode: 0o644, Content: noise})
		_, err := Render(m, Options{OS: system(t, target.OSes[0]), Target: target.Name})
		if limited := target.MaxSize > 0; limited != (err != nil && strings.Contains(err.Error(), "at most")) {
			t.Errorf("%s: %v", target.Name, err)
		}
	}
}

func TestRenderIsTheSameTwice(t *testing.T) {
	options := Options{OS: system(t, "flatcar")}
	first, err := Render(sample(), options)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Render(sample(), options)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range first.Files {
		if !bytes.Equal(f.Content, second.Files[i].Content) {
			t.Errorf("%s differs", f.Name)
		}
	}
}

// A Renderer that is kept gives the same as a new one, whatever it did before.
func TestRendererForgetsItsMachines(t *testing.T) {
	var kept Renderer
	for _, key := range []string{"long-secret-of-the-first", "short", strings.Repeat("x", 5000), "short"} {
		m := sample()
		m.Files[1].Content = []byte(key)
		for _, target := range Targets() {
			options := Options{OS: system(t, target.OSes[0]), Target: target.Name}
			got, err := kept.Render(m, options)
			if err != nil {
				t.Fatal(err)
			}
			want, err := Render(m, options)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Files[0].Content, want.Files[0].Content) {
				t.Errorf("the image with key %.5s… on %s differs", key, target.Name)
			}
		}
	}
}

// What holds a private key is for its owner only, and the listing, which
// anybody may read, holds none.
func TestRenderKeepsSecrets(t *testing.T) {
	for _, os := range cluster.OSes() {
		out, err := Render(sample(), Options{OS: os, Stage: Joined})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range out.Files {
			secret := bytes.Contains(f.Content, []byte("host-secret"))
			if secret != (f.Mode == 0o600) {
				t.Errorf("%s for %s: mode %04o, holds a secret: %v", f.Name, os.Name, f.Mode, secret)
			}
			if f.Name == "contents.txt" && (bytes.Contains(f.Content, []byte("-secret")) || bytes.Contains(f.Content, []byte(" ssh  "))) {
				t.Errorf("the listing shows a secret, or leaves something to SSH:\n%s", f.Content)
			}
		}
	}
}

func BenchmarkRender(b *testing.B) {
	for _, name := range []string{"flatcar", "debian"} {
		os, _ := cluster.FindOS(name)
		b.Run(name, func(b *testing.B) {
			var r Renderer
			for b.Loop() {
				if _, err := r.Render(sample(), Options{OS: os}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
