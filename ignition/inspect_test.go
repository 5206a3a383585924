package ignition

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
)

func inspectBytes(content []byte) (Found, error) {
	return Inspect(bytes.NewReader(content), int64(len(content)))
}

// Whatever kbm renders for a target, it finds again: who reads it, for which
// node, which files, and whether it holds the cluster's secrets.
func TestInspectFindsWhatWasRendered(t *testing.T) {
	for _, target := range Targets() {
		for _, name := range target.OSes {
			for _, stage := range []Stage{Base, Joined} {
				out, err := Render(sample(), Options{OS: system(t, name), Target: target.Name, Stage: stage})
				if err != nil {
					t.Fatal(err)
				}
				i := slices.IndexFunc(out.Files, func(f RenderedFile) bool { return f.Name == out.Main })
				content := out.Files[i].Content
				if target.Output == LiveISO {
					var image bytes.Buffer
					if err := openLive(t, liveISO(t, liveSize, "", "-R")).Write(&image, content); err != nil {
						t.Fatal(err)
					}
					content = image.Bytes()
				}
				found, err := inspectBytes(content)
				if err != nil {
					t.Fatalf("%s for %s: %v", target.Name, name, err)
				}
				if !slices.Contains(found.Targets, target.Name) || found.Ignored != "" || found.Kind != target.Output || found.Label != target.Label {
					t.Errorf("%s for %s: found %+v", target.Name, name, found)
				}
				m := found.Machines[0]
				if m.Node != "cp1" || m.ClusterSecrets != (stage == Joined) || !slices.Contains(m.Secrets, "/etc/ssh/ssh_host_ed25519_key") || !slices.Contains(m.Files, "/etc/large") {
					t.Errorf("%s for %s: found %+v", target.Name, name, m)
				}
			}
		}
	}
}

// A stick is read back as well: what lies behind the image on it is of no matter.
func TestInspectStickOfAnySize(t *testing.T) {
	out, err := Render(sample(), Options{OS: system(t, "debian")})
	if err != nil {
		t.Fatal(err)
	}
	stick := filepath.Join(t.TempDir(), "stick")
	if err := errors.Join(os.WriteFile(stick, out.Files[0].Content, 0o600), os.Truncate(stick, isoMaxSize*4)); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(stick)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if found, err := Inspect(f, isoMaxSize*4); err != nil || !slices.Equal(found.Targets, []string{"nocloud"}) {
		t.Errorf("found %+v, %v", found, err)
	}
}

// The ISO of another program is read as Linux reads it.
func TestInspectForeignISO(t *testing.T) {
	out, err := Render(sample(), Options{OS: system(t, "debian")})
	if err != nil {
		t.Fatal(err)
	}
	_, files, err := ReadISO(bytes.NewReader(out.Files[0].Content))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	iso := filepath.Join(t.TempDir(), "seed.iso")
	tool(t, "genisoimage", "genisoimage", "-quiet", "-o", iso, "-V", "CIDATA", "-r", "-J", dir)
	image, err := os.ReadFile(iso)
	if err != nil {
		t.Fatal(err)
	}
	found, err := inspectBytes(image)
	if err != nil || !slices.Equal(found.Targets, []string{"nocloud"}) || !slices.Contains(found.Files, "network-config") || found.Machines[0].Node != "cp1" {
		t.Errorf("found %+v, %v", found, err)
	}
}

// A medium that a machine boots from and does not read is named as such.
func TestInspectSaysWhyNothingReadsIt(t *testing.T) {
	ign, cloud := []byte(`{"ignition":{"version":"3.4.0"}}`), []byte("#cloud-config\nruncmd: [x]\n")
	for want, c := range map[string]struct {
		label string
		files map[string][]byte
	}{
		`labelled "kbm", only for cidata, config-2, kbm-ignition`: {"kbm", map[string][]byte{"user-data": ign}},
		"no user-data":                               {"cidata", map[string][]byte{"user_data": ign}},
		"no meta-data":                               {"cidata", map[string][]byte{"user-data": cloud}},
		"holds ignition, which nothing reads":        {"CIDATA", map[string][]byte{"user-data": ign, "meta-data": nil}},
		"no openstack/latest/meta_data.json":         {"config-2", map[string][]byte{"openstack/latest/user_data": cloud}},
		"no config.ign":                              {"kbm-ignition", map[string][]byte{"user-data": ign}},
		"holds cloud-config, which nothing reads":    {"kbm-ignition", map[string][]byte{"config.ign": cloud}},
		`labelled "CONFIG-3"`:                        {"CONFIG-3", map[string][]byte{"openstack/latest/user_data": ign}},
		"no openstack/latest/user_data, where a mac": {"config-2", map[string][]byte{"user_data": ign}},
	} {
		image, err := WriteISO(c.label, c.files)
		if err != nil {
			t.Fatal(err)
		}
		found, err := inspectBytes(image)
		if err != nil || len(found.Targets) > 0 || !strings.Contains(found.Ignored, want) {
			t.Errorf("found %+v, %v, want %q", found, err, want)
		}
	}
	live := liveISO(t, liveSize, "", "-R")
	if found, err := inspectBytes(live); err != nil || !strings.Contains(found.Ignored, "no configuration in it") {
		t.Errorf("found %+v, %v", found, err)
	}
}

func TestInspectRefuses(t *testing.T) {
	for content, want := range map[string]string{
		"":                             "empty",
		"text":                         "neither",
		"{":                            "no Ignition configuration",
		`{"ignition":{"version":"2"}}`: "version",
		`{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/x","contents":{"source":"data:;base64,%"}}]}}`: "file /x",
		"#cloud-config\n- a": "no cloud-config",
		"#cloud-config\nwrite_files: [{path: /x, encoding: rot13}]":             `encoding "rot13"`,
		"#cloud-config\nwrite_files: [{path: /x, encoding: b64, content: '%'}]": "file /x",
		"age-encryption.org/v1\n": "encrypted",
	} {
		if found, err := inspectBytes([]byte(content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: found %+v, %v", content, found, err)
		}
	}
	image, err := WriteISO("cidata", sampleFiles())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inspectBytes(image[:20*isoSector]); err == nil {
		t.Error("half an image was accepted")
	}
}

// Nothing that a medium holds makes it crash.
func FuzzInspect(f *testing.F) {
	for _, name := range []string{"debian", "flatcar"} {
		os, _ := cluster.FindOS(name)
		out, err := Render(sample(), Options{OS: os, Stage: Joined})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(out.Files[1].Content)
	}
	f.Fuzz(func(_ *testing.T, content []byte) { _, _ = inspectBytes(content) })
}
