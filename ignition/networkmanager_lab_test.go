//go:build lab

package ignition

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
)

// networkManager runs a program of NetworkManager's, which is unpacked and not
// installed: it takes over the network of the computer that has it.
func networkManager(t *testing.T, stdin []byte, program string, args ...string) string {
	t.Helper()
	root := unpacked(t, "networkmanager", "network-manager libnm0 libteamdctl0 libjansson4 libndp0 libmm-glib0 libbluetooth3 libpsl5 libcurl3-gnutls libnewt0.52")
	libraries, err := filepath.Glob(filepath.Join(root, "usr/lib/*-linux-gnu*"))
	if err != nil || len(libraries) == 0 {
		t.Fatalf("no libraries in %s: %v", root, err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, program), args...)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+libraries[0])
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
	return string(out)
}

// NetworkManager's own reader of keyfiles gives back every line: it drops what
// it does not know.
func TestNetworkManagerReadsEveryKeyfile(t *testing.T) {
	read := func(keyfile []byte) string {
		return networkManager(t, keyfile, "usr/bin/nmcli", "--offline", "connection", "modify", "connection.autoconnect-priority", "100")
	}
	if strings.Contains(read([]byte("[connection]\nid=x\ntype=ethernet\nno-such-word=1\n")), "no-such-word") {
		t.Fatal("it gives back a wrong word: the test proves nothing")
	}
	for name, n := range networks() {
		for _, f := range built(t, n, cluster.NetworkManager) {
			got := read(f.Content)
			for line := range strings.Lines(string(f.Content)) {
				if !strings.Contains("\n"+got, "\n"+strings.TrimRight(line, "\n")+"\n") {
					t.Errorf("%s: %s: %q is not in\n%s", name, f.Path, line, got)
				}
			}
		}
	}
}

// Its reader of the kernel's command line, which Fedora CoreOS's initrd has,
// understands what kbm prints.
func TestNetworkManagerReadsTheKernelArguments(t *testing.T) {
	for name, n := range networks() {
		got := networkManager(t, nil, "usr/lib/NetworkManager/nm-initrd-generator", append([]string{"-s", "--"}, n.KernelArgs("cp1")...)...)
		for _, want := range []string{"address1=" + n.Address + "," + n.Gateway, "dns=" + n.DNS[0], "Hostname 'cp1'"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s is not in\n%s", name, want, got)
			}
		}
		if len(n.Bond) > 0 && !strings.Contains(got, "mode="+n.BondMode) || n.VLAN != 0 && !strings.Contains(got, "id=20\n") {
			t.Errorf("%s: a bond or VLAN is missing in\n%s", name, got)
		}
	}
}
