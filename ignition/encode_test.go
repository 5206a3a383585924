package ignition

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	base "github.com/coreos/butane/base/v0_5"
	ign "github.com/coreos/ignition/v2/config/v3_4"
	"github.com/coreos/ignition/v2/config/v3_4/types"
	"github.com/vincent-petithory/dataurl"
	"go.yaml.in/yaml/v3"

	"github.com/kbm-dev/kbm/cluster"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample has one of everything that a Machine can hold.
func sample() Machine {
	return Machine{
		Name: "cp1", Hostname: "cp1",
		Users: []User{{Name: "core", AuthorizedKeys: []string{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEXAMPLE anna@desk"}}},
		Dirs:  []Dir{{Path: "/etc/kubernetes", Mode: 0o755}, {Path: "/var/lib/etcd", Mode: 0o700, Owner: "etcd", Group: "etcd"}},
		Files: []File{
			{Path: "/etc/hostname", Mode: 0o644, Content: []byte("cp1\n")},
			{Path: "/etc/ssh/ssh_host_ed25519_key", Mode: 0o600, Content: []byte("-----BEGIN OPENSSH PRIVATE KEY-----\nhost-secret\n-----END OPENSSH PRIVATE KEY-----\n"), Secret: true},
			{Path: "/etc/ssh/ssh_host_ed25519_key.pub", Mode: 0o644, Content: []byte("ssh-ed25519 AAAAHOST cp1\n")},
			{Path: "/etc/ssh/ssh_host_ed25519_key-cert.pub", Mode: 0o644, Content: []byte("ssh-ed25519-cert-v01@openssh.com AAAACERT cp1\n")},
			{Path: "/etc/ssh/sshd_config.d/00-kbm.conf", Mode: 0o600, Content: []byte("# yes\nPasswordAuthentication no\n"), Restarts: []string{"ssh.service"}},
			{Path: "/etc/binary", Mode: 0o640, Owner: "etcd", Group: "etcd", Content: []byte{0, 0xff, '\n', 0x80}},
			{Path: "/etc/tricky", Mode: 0o644, Content: []byte("0644: yes\n---\n... \n\ttab: 'quotes' \"double\" # %20 trailing  ")},
			{Path: "/etc/large", Mode: 0o644, Content: bytes.Repeat([]byte("a line that repeats\n"), 1000)},
			{Path: "/etc/empty", Mode: 0o644},
			{Path: "/etc/kubernetes/pki/ca.key", Mode: 0o600, Content: []byte("joined-secret"), Secret: true, Stage: Joined},
		},
		Links: []Link{{Path: "/etc/localtime", Target: "/usr/share/zoneinfo/UTC"}},
		Units: []Unit{
			{Name: "base.service", Content: "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n", Enabled: true},
			{Name: "systemd-networkd.service", Enabled: true},
			{Name: "kubelet.service", Content: "[Service]\nExecStart=/opt/bin/kubelet\n[Install]\nWantedBy=multi-user.target\n", Enabled: true, Stage: Joined},
		},
		Network: &Network{Address: "192.168.1.11/24", Gateway: "192.168.1.1", DNS: []string{"192.168.1.1"}, MAC: "52:54:00:00:00:11"},
	}
}

func system(t *testing.T, name string) cluster.OS {
	t.Helper()
	os, ok := cluster.FindOS(name)
	if !ok {
		t.Fatalf("the table has no %s", name)
	}
	return os
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: go test ./ignition -update writes it", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs:\n%s", path, got)
	}
}

// Every row of the table of systems can be set up, with the base alone and
// with everything.
func TestEncodeForEverySystem(t *testing.T) {
	for _, os := range cluster.OSes() {
		for stage, suffix := range map[Stage]string{Base: "base", Joined: "all"} {
			t.Run(os.Name+"/"+suffix, func(t *testing.T) {
				out, err := sample().Encode(os, stage)
				if err != nil {
					t.Fatal(err)
				}
				golden(t, os.Name+"."+suffix, out)
				again, err := sample().Encode(os, stage)
				if err != nil || !bytes.Equal(out, again) {
					t.Errorf("a second time gives other bytes (%v)", err)
				}
				for _, joined := range []string{"ca.key", "kubelet"} {
					if got := bytes.Contains(out, []byte(joined)); got != (stage == Joined) {
						t.Errorf("%s is there: %v", joined, got)
					}
				}
			})
		}
	}
}

// What the node gets is what the Machine holds, read with Ignition's own types.
func TestIgnitionHoldsEveryFile(t *testing.T) {
	for _, os := range cluster.OSes() {
		if os.Format == cluster.Ignition {
			t.Run(os.Name, func(t *testing.T) { ignitionHoldsEveryFile(t, os) })
		}
	}
}

func ignitionHoldsEveryFile(t *testing.T, os cluster.OS) {
	out, err := sample().Encode(os, Joined)
	if err != nil {
		t.Fatal(err)
	}
	config, found, err := ign.Parse(out)
	if err != nil || len(found.Entries) > 0 {
		t.Fatalf("Ignition says: %v %v", err, found)
	}
	got := map[string]types.File{}
	for _, f := range config.Storage.Files {
		got[f.Path] = f
	}
	for _, want := range sample().Files {
		f, ok := got[want.Path]
		if !ok {
			t.Errorf("%s is missing", want.Path)
			continue
		}
		content := decode(t, *f.Contents.Source, f.Contents.Compression)
		if !bytes.Equal(content, want.Content) || fs.FileMode(*f.Mode) != want.Mode || !*f.Overwrite {
			t.Errorf("%s: %o, overwrite %v, %q", f.Path, *f.Mode, *f.Overwrite, content)
		}
		if want.Owner != "" && (*f.User.Name != want.Owner || *f.Group.Name != want.Group) {
			t.Errorf("%s belongs to %v:%v", f.Path, *f.User.Name, *f.Group.Name)
		}
	}
}

func decode(t *testing.T, source string, compression *string) []byte {
	t.Helper()
	u, err := dataurl.DecodeString(source)
	if err != nil {
		t.Fatal(err)
	}
	if compression != nil && *compression == "gzip" {
		return gunzip(t, u.Data)
	}
	return u.Data
}

func TestCloudConfigHoldsEveryFile(t *testing.T) {
	out, err := sample().Encode(system(t, "debian"), Joined)
	if err != nil {
		t.Fatal(err)
	}
	var config cloudConfig
	d := yaml.NewDecoder(bytes.NewReader(out))
	d.KnownFields(true)
	if err := d.Decode(&config); err != nil {
		t.Fatal(err)
	}
	got := map[string]cloudFile{}
	for _, f := range config.WriteFiles {
		got[f.Path] = f
	}
	for _, want := range sample().Files {
		if strings.Contains(want.Path, "ssh_host") {
			continue
		}
		f := got[want.Path]
		if content := decodeCloud(t, f); !bytes.Equal(content, want.Content) {
			t.Errorf("%s: %q", want.Path, content)
		}
		if f.Defer != (want.Owner != "") {
			t.Errorf("%s: deferred %v", want.Path, f.Defer)
		}
	}
	if !strings.Contains(config.SSHKeys["ed25519_private"], "host-secret") || len(config.SSHKeys) != 3 {
		t.Errorf("host keys: %v", config.SSHKeys)
	}
}

func TestEncodeRefuses(t *testing.T) {
	file := func(f File) func(*Machine) { return func(m *Machine) { m.Files = append(m.Files, f) } }
	cases := map[string]struct {
		spoil func(*Machine)
		want  string
	}{
		"relative path":   {file(File{Path: "etc/x", Mode: 0o644}), `file "etc/x" path: path not absolute`},
		"dirty path":      {file(File{Path: "/etc/../x", Mode: 0o644}), `file "/etc/../x" path`},
		"path twice":      {file(File{Path: "/etc/hostname", Mode: 0o644}), `file "/etc/hostname"`},
		"decimal mode":    {file(File{Path: "/etc/x", Mode: 644}), `file "/etc/x" mode`},
		"set-uid":         {file(File{Path: "/etc/x", Mode: 0o4755}), `file "/etc/x" mode`},
		"mode of Go":      {file(File{Path: "/etc/x", Mode: fs.ModeSetuid | 0o755}), `file "/etc/x" mode`},
		"no mode":         {file(File{Path: "/etc/x"}), "file /etc/x: mode 0000"},
		"artefact":        {file(File{Path: "/opt/bin/kubelet", Mode: 0o755, Artefact: &Artefact{Name: "kubelet"}}), "artefact kubelet"},
		"unit name":       {func(m *Machine) { m.Units[0].Name = "base" }, `unit "base" name`},
		"unit text":       {func(m *Machine) { m.Units[0].Content = "[Service\n" }, `unit "base.service" contents`},
		"unit of no want": {func(m *Machine) { m.Units[0].Content = "[Service]\nExecStart=/bin/true\n" }, `unit "base.service" contents`},
		"user name":       {func(m *Machine) { m.Users[0].Name = "Core!" }, `user "Core!"`},
		"host name":       {func(m *Machine) { m.Hostname = "cp1.example.com" }, "host name"},
		"directory mode":  {func(m *Machine) { m.Dirs[0].Mode = 755 }, `directory "/etc/kubernetes" mode`},
		"link":            {func(m *Machine) { m.Links[0].Path = "localtime" }, `link "localtime" path`},
	}
	for name, c := range cases {
		for _, os := range []string{"flatcar", "debian"} {
			t.Run(name+"/"+os, func(t *testing.T) {
				m := sample()
				c.spoil(&m)
				_, err := m.Encode(system(t, os), Base)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want an error with %q", err, c.want)
				}
				if err != nil && strings.Contains(err.Error(), "secret") {
					t.Errorf("the error shows a secret: %v", err)
				}
			})
		}
	}
}

func TestEncodeKnowsItsDialects(t *testing.T) {
	_, err := sample().Encode(cluster.OS{Name: "x", Format: cluster.Ignition, Variant: "fcos", VariantVersion: "9.9.9"}, Base)
	if err == nil || !strings.Contains(err.Error(), "fcos 9.9.9") {
		t.Errorf("got %v", err)
	}
	_, err = sample().Encode(cluster.OS{Name: "x", Format: "kickstart"}, Base)
	if err == nil || !strings.Contains(err.Error(), "kickstart") {
		t.Errorf("got %v", err)
	}
}

// place must find a name for whatever Butane reports on.
func TestPlaceOfAReport(t *testing.T) {
	c := base.Config{Systemd: base.Systemd{Units: []base.Unit{{Name: "a.service"}}}}
	if got := place(c, []any{"systemd", "units", 0, "contents"}); got != `unit "a.service" contents` {
		t.Error(got)
	}
	if got := place(c, []any{"version"}); got != "version" {
		t.Error(got)
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, name := range []string{"flatcar", "debian"} {
		os, _ := cluster.FindOS(name)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := sample().Encode(os, Base); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
