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
	dir := t.TempDir()
	for name, n := range networks() {
		cloud, err := n.cloud()
		if err != nil {
			t.Fatal(err)
		}
		data, err := n.openstack()
		if err != nil {
			t.Fatal(err)
		}
		for kind, config := range map[string][]byte{"yaml": cloud, "network_data.json": data} {
			if err := os.WriteFile(filepath.Join(dir, name+"."+kind), config, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	netConvert(t, dir)
	for name, n := range networks() {
		for _, made := range []string{"yaml.netplan", "yaml.eni", "network_data.json.netplan", "network_data.json.eni"} {
			got := tree(t, filepath.Join(dir, name+"."+made))
			ip, _, _ := strings.Cut(n.Address, "/")
			wanted := []string{ip, n.Gateway, n.DNS[0]}
			if len(n.Bond) > 0 {
				wanted = append(wanted, bondName, n.BondMode)
			}
			if n.VLAN != 0 {
				wanted = append(wanted, "20")
			}
			for _, want := range wanted {
				if !strings.Contains(got, want) {
					t.Errorf("%s: %s is not in %s\n%s", name, want, made, got)
				}
			}
		}
	}
}

// netConvert has cloud-init convert all files NAME.KIND of a folder, to
// NAME.KIND.OUTPUT. It takes a second to start, so it is started once.
func netConvert(t *testing.T, dir string) {
	t.Helper()
	const script = `
import os, pathlib, sys
from cloudinit.cmd.devel import net_convert
for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    for output in "netplan", "eni":
        args = ["-p", str(file), "-k", file.name.split(".", 1)[1], "-O", output, "-D", "debian", "-d", str(file) + "." + output,
                "-m", "eno1,52:54:00:00:00:11", "-m", "eno2,52:54:00:00:00:12"]
        child = os.fork() # what it does to its own tables is gone with it
        if child == 0:
            net_convert.handle_args("net-convert", net_convert.get_parser().parse_args(args))
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            sys.exit(file.name + " to " + output)
`
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", script, dir)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(cloudInit(t), "usr/lib/python3/dist-packages"))
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cloud-init: %v\n%s", err, said)
	}
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
