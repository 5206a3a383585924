//go:build lab

package ignition

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreos/coreos-cloudinit/config/validate"

	"github.com/kbm-dev/kbm/cluster"
)

// stickFiles are those on a stick for Debian.
func stickFiles(t *testing.T, nodes []StickNode) map[string][]byte {
	t.Helper()
	target, err := FindTarget("nocloud")
	if err != nil {
		t.Fatal(err)
	}
	for i := range nodes {
		nodes[i].OS = system(t, "debian")
	}
	image, err := new(Renderer).Stick(&cluster.Cluster{Name: "home"}, target, nodes, Base)
	if err != nil {
		t.Fatal(err)
	}
	_, files, err := ReadISO(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// The real cloud-init makes of one stick two machines, each by its own card,
// and a third one by its serial number; a fourth is none of them.
func TestCloudInitTakesItsOwnLineOfTheStick(t *testing.T) {
	nodes := stickNodes()
	files := stickFiles(t, nodes)
	for _, n := range nodes {
		t.Run(n.Machine.Name, func(t *testing.T) {
			mac, serial := n.Keys[0], ""
			if rest, ok := strings.CutPrefix(mac, serialKey); ok {
				mac, serial = "02:00:00:00:00:01", rest
			}
			out := bootCloudInit(t, "nocloud", files, mac, serial)
			becomes(t, out, n.Machine)
			if info, err := os.Stat(filepath.Join(out, "etc/cloud/cloud.cfg.d/99-kbm.cfg")); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the configuration: %v, %v", info, err)
			}
		})
	}
	t.Run("a stranger", func(t *testing.T) {
		out := bootCloudInit(t, "nocloud", files, "02:00:00:00:00:02", "unknown")
		log, err := os.ReadFile(filepath.Join(out, "cloud-init.log"))
		if err != nil || !bytes.Contains(log, []byte("boothooks")) {
			t.Errorf("the script did not run: %v", err)
		}
		if name, err := os.ReadFile(filepath.Join(out, "etc/hostname")); err != nil || bytes.HasPrefix(name, []byte("w")) {
			t.Errorf("it became %q, %v", name, err)
		}
	})
}

// Each machine with an address of its own gets that from the same stick, and
// netplan takes what cloud-init writes.
func TestCloudInitSetsUpItsOwnNetworkFromTheStick(t *testing.T) {
	nodes := stickNodes()[:2]
	for i := range nodes {
		nodes[i].Machine.Network = &Network{Address: fmt.Sprintf("10.0.0.1%d/24", i+1), Gateway: "10.0.0.1", MAC: nodes[i].Keys[0]}
	}
	out := bootCloudInit(t, "nocloud", stickFiles(t, nodes), nodes[1].Keys[0], "")
	plan, err := os.ReadFile(filepath.Join(out, "etc/netplan/50-cloud-init.yaml"))
	if err != nil || !bytes.Contains(plan, []byte("10.0.0.12/24")) || !bytes.Contains(plan, []byte(nodes[1].Keys[0])) {
		t.Errorf("got %v\n%s", err, plan)
	}
	log, err := os.ReadFile(filepath.Join(out, "cloud-init.log"))
	if err != nil || !bytes.Contains(log, []byte("'netplan', 'generate'")) || bytes.Contains(log, []byte("Traceback")) {
		t.Errorf("%v\n%s", err, log)
	}
}

// The script for coreos-cloudinit hands it the configuration of this machine,
// which its validator accepts; and nothing where it is none of them.
func TestLegacyStickHandsOverItsOwnLine(t *testing.T) {
	nodes := stickNodes()
	for i := range nodes {
		nodes[i].OS = system(t, "flatcar")
	}
	target, err := FindTarget("coreos-cloudinit")
	if err != nil {
		t.Fatal(err)
	}
	image, err := new(Renderer).Stick(&cluster.Cluster{Name: "home"}, target, nodes, Base)
	if err != nil {
		t.Fatal(err)
	}
	_, files, err := ReadISO(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	for keys, want := range map[string]string{
		"52:54:00:00:00:11 7CN": "w1", "52:54:00:00:00:12 0": "w2", "02:00:00:00:00:01 7CN4X3J": "w3", "52:54:00:00:00:1 *": "",
	} {
		mac, serial, _ := strings.Cut(keys, " ")
		got := runLegacyStick(t, files[target.Paths[0]], mac, serial)
		if want == "" {
			if len(got) > 0 {
				t.Errorf("%s: it handed over\n%s", keys, got)
			}
			continue
		}
		report, err := validate.Validate(got)
		if err != nil || len(report.Entries()) > 0 || !bytes.Contains(got, []byte("\nhostname: "+want+"\n")) {
			t.Errorf("%s: %v %v\n%s", keys, err, report, got)
		}
	}
}

// runLegacyStick runs the script on a machine with that card and number, and
// gives what coreos-cloudinit is told to read.
func runLegacyStick(t *testing.T, script []byte, mac, serial string) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"sys/class/net/eth0/address": []byte(mac + "\n"), "sys/class/dmi/id/product_serial": []byte(serial + "\n"), "script": script,
		"bin/coreos-cloudinit": []byte("#!/bin/sh\ncp \"${1#--from-file=}\" " + dir + "/read\n"),
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	const run = `mount -t tmpfs none /run && mount --bind "$1/sys" /sys && PATH=$1/bin:$PATH /bin/bash "$1/script"`
	said, err := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-c", run, "sh", dir).CombinedOutput()
	read, _ := os.ReadFile(filepath.Join(dir, "read")) // there is none where it chose nothing
	if (err == nil) != (len(read) > 0) {
		t.Errorf("%v\n%s", err, said)
	}
	return read
}
