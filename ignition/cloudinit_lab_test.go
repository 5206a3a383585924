//go:build lab

package ignition

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
)

// cloudInitPackages are cloud-init and what its schema check imports. They are
// unpacked, never installed: cloud-init takes over the computer that has it.
const cloudInitPackages = "cloud-init python3-attr python3-configobj python3-jinja2 python3-json-pointer python3-jsonpatch " +
	"python3-jsonschema python3-markupsafe python3-oauthlib python3-pyrsistent python3-requests python3-urllib3 " +
	"python3-chardet python3-idna python3-certifi python3-netifaces python3-six python3-yaml"

// The real program takes every cloud-config of the goldens, and refuses a bad one.
func TestCloudInitAcceptsTheSchema(t *testing.T) {
	root := cloudInit(t)
	for _, system := range cluster.OSes() {
		if system.Format != cluster.CloudConfig {
			continue
		}
		for _, stage := range []Stage{Base, Joined} {
			out, err := sample().Encode(system, stage)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := schema(t, root, out); err != nil || strings.Contains(text, "Error") {
				t.Errorf("%s: %v\n%s", system.Name, err, text)
			}
		}
	}
	if text, err := schema(t, root, []byte("#cloud-config\nwrite_files: [{paths: /etc/x}]\n")); err == nil {
		t.Errorf("a wrong key was accepted: %s", text)
	}
}

func schema(t *testing.T, root string, config []byte) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "user-data")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", filepath.Join(root, "usr/bin/cloud-init"), "schema", "--config-file", file)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(root, "usr/lib/python3/dist-packages"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// cloudInit is where cloud-init is unpacked.
func cloudInit(t *testing.T) string {
	t.Helper()
	return unpacked(t, "cloud-init", cloudInitPackages)
}

// unpacked gives Debian packages without installing them: it unpacks them into
// kbm's cache, once.
func unpacked(t *testing.T, name, packages string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(cache, "kbm", "test", name)
	if _, err := os.Stat(root); err == nil {
		return root
	}
	if err := os.MkdirAll(filepath.Dir(root), 0o755); err != nil {
		t.Fatal(err)
	}
	temp, err := os.MkdirTemp(filepath.Dir(root), "."+name+"-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(temp) })
	script := "apt-get download " + packages + " && for d in *.deb; do dpkg -x $d root; done"
	unpack := exec.CommandContext(t.Context(), "sh", "-ec", script)
	unpack.Dir = temp
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("unpack %s: %v\n%s", packages, err, out)
	}
	if err := os.Rename(filepath.Join(temp, "root"), root); err != nil {
		t.Fatal(err)
	}
	return root
}
