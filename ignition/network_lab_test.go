//go:build lab

package ignition

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
)

// The real cloud-init turns every network into the files of the renderers that
// images of Debian and Ubuntu have, and the address is in them. Its renderer
// for networkd, which they do not use, knows neither bonds nor VLANs.
func TestCloudInitRendersEveryNetwork(t *testing.T) {
	root := cloudInit(t)
	for name, n := range networks() {
		cloud, err := n.cloud()
		if err != nil {
			t.Fatal(err)
		}
		data, err := n.openstack()
		if err != nil {
			t.Fatal(err)
		}
		for _, output := range []string{"netplan", "eni"} {
			for kind, config := range map[string][]byte{"yaml": cloud, "network_data.json": data} {
				t.Run(name+"/"+kind+"/"+output, func(t *testing.T) {
					got := netConvert(t, root, config, kind, output)
					ip, _, _ := strings.Cut(n.Address, "/")
					for _, want := range []string{ip, n.Gateway, n.DNS[0]} {
						if !strings.Contains(got, want) {
							t.Errorf("%s is not in\n%s", want, got)
						}
					}
					if len(n.Bond) > 0 && (!strings.Contains(got, n.BondMode) || !strings.Contains(got, bondName)) {
						t.Errorf("there is no bond in\n%s", got)
					}
					if n.VLAN != 0 && !strings.Contains(got, "20") {
						t.Errorf("there is no VLAN in\n%s", got)
					}
				})
			}
		}
	}
}

func netConvert(t *testing.T, root string, config []byte, kind, output string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", filepath.Join(root, "usr/bin/cloud-init"), "devel", "net-convert",
		"-p", file, "-k", kind, "-O", output, "-D", "debian", "-d", out, "-m", "eno1,52:54:00:00:00:11", "-m", "eno2,52:54:00:00:00:12")
	cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(root, "usr/lib/python3/dist-packages"))
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("cloud-init: %v\n%s", err, said)
	}
	return tree(t, out)
}

// tree is all files of a folder in one text.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all.WriteString("== " + path + "\n" + string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// systemd's own reader of the kernel's command line, which Flatcar's initrd
// has, understands what kbm prints.
func TestSystemdReadsTheKernelArguments(t *testing.T) {
	for name, n := range networks() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			args := append([]string{"--root=" + dir, "--"}, n.KernelArgs("cp1")...)
			said, err := exec.CommandContext(t.Context(), "/lib/systemd/systemd-network-generator", args...).CombinedOutput()
			if err != nil || len(said) > 0 {
				t.Fatalf("%v\n%s", err, said)
			}
			got := tree(t, dir)
			for _, want := range []string{"Address=" + n.Address, "Gateway=" + n.Gateway, "DNS=" + n.DNS[0]} {
				if !strings.Contains(got, want) {
					t.Errorf("%s is not in\n%s", want, got)
				}
			}
			if len(n.Bond) > 0 && !strings.Contains(got, "Bond="+bondName) || n.VLAN != 0 && !strings.Contains(got, "VLAN=vlan20") {
				t.Errorf("a bond or VLAN is missing in\n%s", got)
			}
		})
	}
}

// systemd-networkd itself finds no word that it does not know. It runs in
// namespaces of its own, where it finds no interface but lo.
func TestNetworkdReadsEveryFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("wrong.network", []byte("[Match]\nName=eno1\n[Network]\nNoSuchWord=yes\n"))
	for name, n := range networks() {
		for _, f := range built(t, n, cluster.Networkd) {
			write(name+"-"+filepath.Base(f.Path), f.Content)
		}
	}
	const script = `mount --bind "$1" /etc/systemd/network && mount -t tmpfs none /run/systemd &&
SYSTEMD_LOG_TARGET=console timeout 2 /lib/systemd/systemd-networkd 2>&1 || true`
	said, err := exec.CommandContext(t.Context(), "unshare", "--net", "--mount", "--ipc", "sh", "-c", script, "sh", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	complaints := regexp.MustCompile(`/(\S+\.(network|netdev)):\d+:.*`).FindAllString(string(said), -1)
	if len(complaints) != 1 || !strings.Contains(complaints[0], "wrong.network") {
		t.Errorf("it complains of %q, and should of the wrong file alone:\n%s", complaints, said)
	}
}
