package ignition

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	coreos "github.com/coreos/coreos-cloudinit/config"
	"github.com/coreos/coreos-cloudinit/config/validate"

	"github.com/kbm-dev/kbm/cluster"
)

func encodeCoreOS(t *testing.T, m Machine, stage Stage) []byte {
	t.Helper()
	os := system(t, "flatcar")
	os.Format = cluster.CoreOSCloudConfig
	out, err := m.Encode(os, stage)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The program's own validator finds no word that it would ignore.
func TestCoreOSTakesEveryWord(t *testing.T) {
	for stage, name := range map[Stage]string{Base: "base", Joined: "all"} {
		out := encodeCoreOS(t, sample(), stage)
		golden(t, "coreos-cloudinit/user_data."+name, out)
		report, err := validate.Validate(out)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range report.Entries() {
			t.Errorf("%s: %s", name, entry.String())
		}
	}
	report, err := validate.Validate([]byte("#cloud-config\nssh_keys: {ed25519_private: x}\n"))
	if err != nil || len(report.Entries()) == 0 {
		t.Errorf("a word of cloud-init's was accepted: %v", err)
	}
}

// What the program reads is what the Machine holds, byte for byte.
func TestCoreOSHoldsEveryFile(t *testing.T) {
	m := sample()
	config, err := coreos.NewCloudConfig(string(encodeCoreOS(t, m, Joined)))
	if err != nil {
		t.Fatal(err)
	}
	if err := config.Decode(); err != nil {
		t.Fatal(err)
	}
	if config.Hostname != m.Hostname || !slices.Equal(config.SSHAuthorizedKeys, m.Users[0].AuthorizedKeys) {
		t.Errorf("host name %q, keys %q", config.Hostname, config.SSHAuthorizedKeys)
	}
	for _, f := range m.Files {
		i := slices.IndexFunc(config.WriteFiles, func(c coreos.File) bool { return c.Path == f.Path })
		if i < 0 {
			t.Errorf("%s is missing", f.Path)
			continue
		}
		if got := config.WriteFiles[i]; !bytes.Equal([]byte(got.Content), f.Content) || got.Owner != orRoot(f.Owner)+":"+orRoot(f.Group) {
			t.Errorf("%s of %s holds %q", f.Path, got.Owner, got.Content)
		}
	}
	for _, u := range m.Units {
		if !slices.ContainsFunc(config.CoreOS.Units, func(c coreos.Unit) bool {
			return c.Name == u.Name && c.Content == u.Content && c.Enable == u.Enabled
		}) {
			t.Errorf("unit %s is missing or differs", u.Name)
		}
	}
}

// Files of networkd are units in this dialect: so the program restarts it.
func TestCoreOSRestartsNetworkd(t *testing.T) {
	m := Machine{Name: "n", Hostname: "n", Files: []File{{Path: networkdDir + "/10-kbm.network", Mode: 0o644, Content: []byte("[Match]\n")}}}
	config, err := coreos.NewCloudConfig(string(encodeCoreOS(t, m, Base)))
	if err != nil {
		t.Fatal(err)
	}
	if len(config.CoreOS.Units) != 1 || config.CoreOS.Units[0].Name != "10-kbm.network" || len(config.WriteFiles) != 0 {
		t.Errorf("got %+v", config)
	}
	m.Files[0].Path = "/usr/bin/x"
	os := system(t, "flatcar")
	os.Format = cluster.CoreOSCloudConfig
	if _, err := m.Encode(os, Base); err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("got %v", err)
	}
}
