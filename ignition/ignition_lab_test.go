//go:build lab

package ignition

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/cluster"
)

// ignitionStages runs the real program, all of its stages that work on a
// directory, over a copy of a root, and gives that root's /etc.
const ignitionStages = `
root=$1 program=$2 config=$3 out=$4
mount -t tmpfs none /mnt
mkdir -p /mnt/up /mnt/work /mnt/m /mnt/w
mount -t overlay overlay -o "lowerdir=$root,upperdir=/mnt/up,workdir=/mnt/work" /mnt/m
for stage in fetch kargs disks mount files umount; do
	IGNITION_CONFIG_FILE=$config "$program" --platform=file --stage=$stage --root=/mnt/m --config-cache=/mnt/w/c.json \
		--state-file=/mnt/w/state --neednet=/mnt/w/neednet --log-to-stdout
done
cp -a /mnt/m/etc/. "$out"
`

// The real Ignition makes the machine of what is on every medium, secrets and
// all: each file with its content and mode, the user, the units to enable.
func TestIgnitionTakesEveryTarget(t *testing.T) {
	program := realIgnition(t)
	for _, target := range Targets() {
		if target.Format != cluster.Ignition {
			continue
		}
		for _, name := range target.OSes {
			t.Run(target.Name+"/"+name, func(t *testing.T) {
				m := withoutEtcd(sample())
				out, err := Render(m, Options{OS: system(t, name), Target: target.Name, Stage: Joined})
				if err != nil {
					t.Fatal(err)
				}
				config := filepath.Join(t.TempDir(), "config.ign")
				if err := os.WriteFile(config, readAsMachine(t, target, out), 0o600); err != nil {
					t.Fatal(err)
				}
				etc := t.TempDir()
				cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-eu", "-c", ignitionStages, "sh", cloudRoot(t), program, config, etc)
				if said, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("ignition: %v\n%s", err, said)
				}
				isInRoot(t, etc, m)
			})
		}
	}
}

// realIgnition is the program of the bundle.
func realIgnition(t *testing.T) string {
	t.Helper()
	dir, err := bundle.DefaultDir(cluster.DefaultVersion, "amd64")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "bin", "ignition")
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v: kbm bundle build lab makes it", err)
	}
	return program
}

// readAsMachine is what the target's reader finds.
func readAsMachine(t *testing.T, target Target, out Rendered) []byte {
	t.Helper()
	main := out.Files[0].Content
	switch {
	case target.Output == ISO:
		label, files, err := ReadISO(bytes.NewReader(main))
		if err != nil || label != target.Label {
			t.Fatalf("label %q, %v", label, err)
		}
		return files[target.Paths[0]]
	case target.Output == LiveISO:
		var image bytes.Buffer
		if err := openLive(t, liveISO(t, liveSize, "", "-R")).Write(&image, main); err != nil {
			t.Fatal(err)
		}
		config, err := openLive(t, image.Bytes()).Config()
		if err != nil {
			t.Fatal(err)
		}
		return config
	case target.encode != nil:
		config, ok := unpackGuestinfo(main)
		if !ok {
			t.Fatal("it cannot be unpacked")
		}
		return config
	}
	return main
}

func isInRoot(t *testing.T, etc string, m Machine) {
	t.Helper()
	for _, f := range m.Files {
		path := filepath.Join(etc, f.Path[len("/etc"):])
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, f.Content) {
			t.Errorf("%s holds %.60q, %v", f.Path, got, err)
			continue
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != f.Mode {
			t.Errorf("%s: %v, %v", f.Path, info.Mode(), err)
		}
	}
	preset, err := os.ReadFile(filepath.Join(etc, "systemd/system-preset/20-ignition.preset"))
	if err != nil || !bytes.Contains(preset, []byte("enable kubelet.service")) {
		t.Errorf("units: %v\n%s", err, preset)
	}
	if users, err := os.ReadFile(filepath.Join(etc, "passwd")); err != nil || !bytes.Contains(users, []byte("\ncore:")) {
		t.Errorf("there is no user core: %v", err)
	}
}
