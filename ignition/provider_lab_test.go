//go:build lab

package ignition

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
)

// fetchStage runs the real Ignition's reader of one platform: in namespaces
// with no network, with the volume where udev would show it, and with firmware
// that holds what QEMU is given. Of a machine, only mount and modprobe are not
// the real ones: this computer's kernel may lack ISO 9660.
const fetchStage = `
program=$1 platform=$2 label=$3 file=$4 cmdline=$5 dir=$6 seconds=$7
mkdir -p "$dir/bin" "$dir/fw"
printf '#!/bin/sh\n/bin/mount -t tmpfs none "$6" && xorriso -no_rc -osirrox on -indev "stdio:$(readlink -f "$5")" -extract / "$6" 2>/dev/null\n' >"$dir/bin/mount"
printf '#!/bin/sh\n' >"$dir/bin/modprobe"
chmod +x "$dir/bin/mount" "$dir/bin/modprobe"
printf '%s' "$cmdline" >"$dir/cmdline"
cp "$file" "$dir/fw/raw"
stat -c %s "$file" >"$dir/fw/size"
mkdir "$dir/dev"
mount -t tmpfs none "$dir/dev"
for n in null zero random urandom; do touch "$dir/dev/$n"; mount --bind /dev/$n "$dir/dev/$n"; done
mount --rbind "$dir/dev" /dev
mkdir -p /dev/disk/by-label
if [ -n "$label" ]; then ln -s "$file" "/dev/disk/by-label/$label"; fi
mount -t tmpfs none /sys
mkdir -p /sys/firmware/qemu_fw_cfg/by_name/opt/com.coreos
cp -r "$dir/fw" /sys/firmware/qemu_fw_cfg/by_name/opt/com.coreos/config
PATH=$dir/bin:$PATH IGNITION_KERNEL_CMDLINE_PATH=$dir/cmdline timeout "$seconds" "$program" --platform=$platform --stage=fetch --root=$dir/root \
	--config-cache=$dir/c.json --state-file=$dir/state --neednet=$dir/neednet --log-to-stdout
`

// Ignition's own reader of each target finds the configuration, with the kernel
// arguments of the table and no others, and takes that of nobody else.
func TestIgnitionFindsItsMedium(t *testing.T) {
	for _, target := range Targets() {
		platform := "metal"
		for _, arg := range target.Kernel {
			if id, ok := strings.CutPrefix(arg, "ignition.platform.id="); ok {
				platform = id
			}
		}
		if target.Output != ISO && platform != "qemu" || target.Format != cluster.Ignition {
			continue
		}
		t.Run(target.Name, func(t *testing.T) {
			out, err := Render(withoutEtcd(sample()), Options{OS: system(t, "fcos"), Target: target.Name})
			if err != nil {
				t.Fatal(err)
			}
			got, said, err := fetch(t, platform, target.Label, out.Files[0].Content, target.Kernel, "30")
			if err != nil || !bytes.Contains(got, []byte("/etc/tricky")) {
				t.Errorf("%v: it found %.200s\n%s", err, got, said)
			}
			if target.Output != ISO {
				return
			}
			if got, _, _ = fetch(t, platform, "other", out.Files[0].Content, target.Kernel, "3"); bytes.Contains(got, []byte("/etc/tricky")) {
				t.Error("it takes a volume with another label: the test proves nothing")
			}
		})
	}
}

func fetch(t *testing.T, platform, label string, medium []byte, kernel []string, seconds string) (config []byte, said string, err error) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "medium")
	if err := os.WriteFile(file, medium, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-eu", "-c", fetchStage, "sh",
		realIgnition(t), platform, label, file, strings.Join(kernel, " "), dir, seconds)
	out, err := cmd.CombinedOutput()
	cache, readErr := os.ReadFile(filepath.Join(dir, "c.json"))
	if err == nil {
		err = readErr
	}
	if err == nil && !json.Valid(cache) {
		err = errors.New("its cache is no JSON")
	}
	return cache, string(out), err
}
