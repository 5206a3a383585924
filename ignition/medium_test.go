package ignition

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"

	"github.com/kbm-dev/kbm/cluster"
)

// Every medium carries every format it claims, and other readers' rules on
// labels and neighbours of the payload are kept.
func TestRenderForEveryMedium(t *testing.T) {
	for _, medium := range Media() {
		for _, os := range cluster.OSes() {
			t.Run(medium.Name+"/"+os.Name, func(t *testing.T) {
				out, err := Render(sample(), Target{OS: os, Medium: medium.Name})
				if err != nil {
					t.Fatal(err)
				}
				label, files, err := ReadISO(bytes.NewReader(out.Files[0].Content))
				if err != nil || label != medium.Label {
					t.Fatalf("label %q, error %v", label, err)
				}
				if !bytes.Equal(files[medium.payload], out.Files[1].Content) {
					t.Error("the plain file is not what is on the medium")
				}
				for name, content := range files {
					if name != medium.payload {
						golden(t, medium.Name+"/"+name, content)
					}
				}
				golden(t, medium.Name+"/contents."+os.Name, out.Files[2].Content)
			})
		}
	}
}

// The spec may name every medium of the table, and no other.
func TestSpecNamesEveryMedium(t *testing.T) {
	var names []string
	for _, medium := range Media() {
		names = append(names, medium.Name)
	}
	spec := cluster.Media()
	slices.Sort(names)
	slices.Sort(spec)
	if !slices.Equal(names, spec) {
		t.Errorf("the table has %q, the spec allows %q", names, spec)
	}
}

func TestRenderIsTheSameTwice(t *testing.T) {
	target := Target{OS: system(t, "flatcar")}
	first, err := Render(sample(), target)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Render(sample(), target)
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
		for _, medium := range Media() {
			target := Target{OS: system(t, "debian"), Medium: medium.Name}
			got, err := kept.Render(m, target)
			if err != nil {
				t.Fatal(err)
			}
			want, err := Render(m, target)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Files[0].Content, want.Files[0].Content) {
				t.Errorf("the image with key %.5s… on %s differs", key, medium.Name)
			}
		}
	}
}

// What holds a private key is for its owner only, and the listing, which
// anybody may read, holds none.
func TestRenderKeepsSecrets(t *testing.T) {
	for _, os := range cluster.OSes() {
		out, err := Render(sample(), Target{OS: os, Stage: Joined})
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

func TestMediumRefuses(t *testing.T) {
	if _, err := Render(sample(), Target{OS: system(t, "flatcar"), Medium: "floppy"}); err == nil || !strings.Contains(err.Error(), "config-2 and cidata") {
		t.Errorf("got %v", err)
	}
	onlyCloud := Media()[1]
	onlyCloud.Formats = []cluster.Format{cluster.CloudConfig}
	if _, err := onlyCloud.contents(sample(), system(t, "flatcar"), nil); err == nil || !strings.Contains(err.Error(), "nothing reads ignition") {
		t.Errorf("got %v", err)
	}
}

func TestIdentityBelongsToTheName(t *testing.T) {
	one, two := sample(), sample()
	two.Name = "cp2"
	ids := map[string]bool{}
	for _, m := range []Machine{one, one, two} {
		files, err := configDrive(m)
		if err != nil {
			t.Fatal(err)
		}
		var meta struct{ UUID string }
		if err := json.Unmarshal(files["openstack/latest/meta_data.json"], &meta); err != nil {
			t.Fatal(err)
		}
		if _, err := uuid.Parse(meta.UUID); err != nil {
			t.Error(err)
		}
		ids[meta.UUID] = true
	}
	if len(ids) != 2 {
		t.Errorf("two machines have %d identities", len(ids))
	}
}

func TestNetworkConfig(t *testing.T) {
	for name, c := range map[string]struct {
		network Network
		want    string // YAML
	}{
		"interface": {
			Network{Address: "10.0.0.2/8", Interface: "eno1"},
			"{version: 2, ethernets: {eno1: {addresses: [10.0.0.2/8]}}}",
		},
		"MAC before interface": {
			Network{Address: "10.0.0.2/8", Interface: "eno1", MAC: "52:54:00:00:00:01"},
			"{version: 2, ethernets: {lan: {match: {macaddress: '52:54:00:00:00:01'}, addresses: [10.0.0.2/8]}}}",
		},
		"only card, IPv6": {
			Network{Address: "fd00::2/64", Gateway: "fd00::1", DNS: []string{"fd00::1"}},
			"{version: 2, ethernets: {lan: {match: {name: 'e*'}, addresses: ['fd00::2/64'], routes: [{to: '::/0', via: 'fd00::1'}], nameservers: {addresses: ['fd00::1']}}}}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.network.cloud()
			if err != nil {
				t.Fatal(err)
			}
			if canonical(t, got) != canonical(t, []byte(c.want)) {
				t.Errorf("got\n%s", got)
			}
		})
	}
	for want, n := range map[string]Network{"address": {Address: "10.0.0.2"}, "gateway": {Address: "10.0.0.2/8", Gateway: "router"}} {
		if _, err := n.cloud(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error on the %s", err, want)
		}
	}
}

func canonical(t *testing.T, doc []byte) string {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(doc, &v); err != nil {
		t.Fatal(err)
	}
	out, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func BenchmarkRender(b *testing.B) {
	for _, name := range []string{"flatcar", "debian"} {
		os, _ := cluster.FindOS(name)
		b.Run(name, func(b *testing.B) {
			var r Renderer
			for b.Loop() {
				if _, err := r.Render(sample(), Target{OS: os}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
