package lab

import (
	"slices"
	"strings"
	"testing"
)

func TestMediumOf(t *testing.T) {
	const openstack, ign, cloud = "openstack/latest/user_data", `{"ignition":{}}`, "#cloud-config\n"
	meta := map[string]string{"meta-data": "", "openstack/latest/meta_data.json": "{}"}
	tests := map[string]struct {
		label, path, content string
		cloudInit            bool
		beside               map[string]string
		fault                string
	}{
		"config-2":                 {label: "config-2", path: openstack, content: ign},
		"upper case":               {label: "CONFIG-2", path: openstack, content: ign},
		"cidata":                   {label: "cidata", path: "user-data", content: ign},
		"mixed case":               {label: "Config-2", path: openstack, content: ign, fault: `its label is "Config-2"`},
		"no file":                  {label: "config-2", path: "user-data", content: ign, fault: "there is no openstack/latest/user_data"},
		"cloud-config":             {label: "cidata", path: "user-data", content: cloud, fault: "this machine reads Ignition"},
		"ConfigDrive":              {label: "config-2", path: openstack, content: cloud, cloudInit: true, beside: meta},
		"NoCloud":                  {label: "CIDATA", path: "user-data", content: cloud, cloudInit: true, beside: meta},
		"NoCloud without metadata": {label: "cidata", path: "user-data", content: cloud, cloudInit: true, fault: "there is no meta-data"},
		"coreos-cloudinit":         {label: "config-2", path: openstack, content: cloud, cloudInit: true, fault: "there is no openstack/latest/meta_data.json"},
		"Ignition for cloud-init":  {label: "cidata", path: "user-data", content: ign, cloudInit: true, beside: meta, fault: "this machine reads cloud-config"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			files := map[string][]byte{test.path: []byte(test.content)}
			for path, content := range test.beside {
				files[path] = []byte(content)
			}
			got, err := mediumOf(test.label, files, test.cloudInit)
			if test.fault == "" && (err != nil || string(got.config) != test.content || (got.seed != "") != test.cloudInit) {
				t.Errorf("got %+v, %v", got, err)
			}
			if test.fault != "" && (err == nil || !strings.Contains(err.Error(), test.fault)) {
				t.Errorf("got %v, want %q", err, test.fault)
			}
		})
	}
}

func TestParseRelease(t *testing.T) {
	tests := map[string]struct{ osRelease, want string }{
		"debian":     {"ID=debian\nVERSION_CODENAME=bookworm\n", "bookworm"},
		"ubuntu":     {"ID=ubuntu\nVERSION_CODENAME=noble\nUBUNTU_CODENAME=noble\n", "noble"},
		"derivative": {"ID=linuxmint\nVERSION_CODENAME=wilma\nUBUNTU_CODENAME=\"noble\"\n", "noble"},
		"other":      {"ID=fedora\nVERSION_CODENAME=\"\"\nPRETTY_NAME=\"Fedora 42\"\n", ""},
	}
	for name, test := range tests {
		got, err := parseRelease(test.osRelease)
		if got != test.want || (err == nil) == (test.want == "") {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

// The host's other repositories have no place in the machines.
func TestSourceLines(t *testing.T) {
	const targets = `Packages|Debian|http://mirror/debian/|bookworm|main|amd64
Packages|Debian|http://mirror/debian/|bookworm|main|all
DEP-11|Debian|http://mirror/debian/|bookworm|main|amd64
Packages|Debian|http://mirror/debian/|bookworm|contrib|amd64
Packages|. nodistro|https://deb.nodesource.com/node_20.x/|nodistro|main|amd64
Packages|Ubuntu|http://mirror/ubuntu/|noble|universe|amd64
`
	got, err := sourceLines(targets, func(origin string) string {
		if origin == "Debian" {
			return "/keys.gpg"
		}
		return ""
	})
	want := []string{
		"deb [signed-by=/keys.gpg] http://mirror/debian/ bookworm main",
		"deb http://mirror/ubuntu/ noble universe",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := sourceLines("", nil); err == nil || !strings.Contains(err.Error(), "apt-get update") {
		t.Errorf("without an index: %v", err)
	}
}

func TestComplaint(t *testing.T) {
	log := "INFO     : a\nCRITICAL : files: b\nDEBUG    : c\nCRITICAL : Ignition failed: b\n"
	if got := complaint(log); got != "CRITICAL : files: b\nCRITICAL : Ignition failed: b" {
		t.Errorf("got %q", got)
	}
	if got := complaint("one\ntwo\n"); got != "one\ntwo" {
		t.Errorf("without a complaint: got %q", got)
	}
}
