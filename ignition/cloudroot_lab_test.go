//go:build lab

package ignition

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// cloudRoot is a Debian with cloud-init as its packages install it, made once
// and kept in kbm's cache.
func cloudRoot(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(cache, "kbm", "test", "cloud-init-root")
	if _, err := os.Stat(root); err == nil {
		return root
	}
	partial := root + ".partial"
	const script = `. /etc/os-release && rm -rf "$1" && exec mmdebstrap --quiet --mode=root --variant=minbase --dpkgopt=force-unsafe-io \
--include=cloud-init,openssh-server,sudo,iproute2,netplan.io,udev "$VERSION_CODENAME" "$1"`
	if err := os.MkdirAll(filepath.Dir(root), 0o755); err != nil {
		t.Fatal(err)
	}
	// What it mounts goes with it, also if it is killed.
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-ec", script, "sh", partial)
	cmd.Env = append(os.Environ(), "PATH=/usr/sbin:/usr/bin:/sbin:/bin") // not a Python of one's own
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make a root with cloud-init: %v\n%s", err, out)
	}
	if err := os.Rename(partial, root); err != nil {
		t.Fatal(err)
	}
	return root
}

// firstBoot runs all stages of the real cloud-init on a copy of the root, with a
// seed, and gives what the machine has afterwards, by path. It runs in
// namespaces with one card of that MAC address, and /dev and the clock's other
// side effects are its own.
const firstBoot = `
root=$1 seed=$2 kind=$3 mac=$4 serial=$5 out=$6
mount -t tmpfs none /mnt
mkdir -p /mnt/up /mnt/work /mnt/m /mnt/fake
mount -t overlay overlay -o "lowerdir=$root,upperdir=/mnt/up,workdir=/mnt/work" /mnt/m
cd /mnt/m
ip link set lo up
ip link add eth0 address "$mac" type veth peer name other
mount -t proc proc proc
mount -t sysfs sys sys
if [ -n "$serial" ]; then # a machine with that number; and no card of the others
	mkdir -p /mnt/fake/class/net/eth0 /mnt/fake/class/dmi/id
	cp -r sys/class/net/eth0/address /mnt/fake/class/net/eth0/
	echo "$serial" >/mnt/fake/class/dmi/id/product_serial
	mount --bind /mnt/fake sys
fi
mount -t tmpfs none dev
for n in null zero full random urandom; do touch dev/$n; mount --bind /dev/$n dev/$n; done
touch dev/console
mount -t tmpfs none run
mkdir -p "var/lib/cloud/seed/$kind"
cp -r "$seed/." "var/lib/cloud/seed/$kind/"
cat >etc/cloud/cloud.cfg.d/00-test.cfg <<'EOF'
datasource_list: [NoCloud, ConfigDrive]
growpart: {mode: 'off'}
resize_rootfs: false
locale: C.UTF-8
EOF
for stage in "init --local" init "modules --mode=config" "modules --mode=final"; do chroot . cloud-init $stage || true; done
cp -r etc var/log/cloud-init.log "$out/"
`

// bootCloudInit gives cloud-init the files of a volume as a seed of a kind:
// nocloud or config_drive.
func bootCloudInit(t *testing.T, kind string, files map[string][]byte, mac, serial string) string {
	t.Helper()
	seed, out := t.TempDir(), t.TempDir()
	for name, content := range files {
		path := filepath.Join(seed, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child",
		"sh", "-eu", "-c", firstBoot, "sh", cloudRoot(t), seed, kind, mac, serial, out)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Logf("cloud-init: %v\n%s", err, said)
	}
	return out
}

// becomes checks that a machine is what its medium made it.
func becomes(t *testing.T, out string, m Machine) {
	t.Helper()
	etc := filepath.Join(out, "etc")
	for name, want := range map[string]string{
		"hostname":                    m.Name + "\n",
		"ssh/ssh_host_ed25519_key":    string(m.Files[1].Content),
		"tricky":                      string(m.Files[6].Content),
		"systemd/system/base.service": m.Units[0].Content,
	} {
		if got, err := os.ReadFile(filepath.Join(etc, name)); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
	}
	if users, err := os.ReadFile(filepath.Join(etc, "passwd")); err != nil || !bytes.Contains(users, []byte("\ncore:")) {
		t.Errorf("there is no user core: %v", err)
	}
	if info, err := os.Stat(filepath.Join(etc, "ssh/ssh_host_ed25519_key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the host key: %v, %v", info, err)
	}
	if log, err := os.ReadFile(filepath.Join(out, "cloud-init.log")); err != nil || bytes.Contains(log, []byte("Traceback")) {
		t.Errorf("%v\n%s", err, log)
	}
}

// withoutEtcd is a Machine less what belongs to a user that the system lacks.
func withoutEtcd(m Machine) Machine {
	m.Files[5].Owner, m.Files[5].Group = "", ""
	m.Dirs = m.Dirs[:1]
	return m
}

// Both volumes that cloud-init reads make the machine, and its network.
func TestCloudInitBootsFromEveryTarget(t *testing.T) {
	for name, kind := range map[string]string{"nocloud": "nocloud", "config-drive": "config_drive"} {
		t.Run(name, func(t *testing.T) {
			m := withoutEtcd(sample())
			out, err := Render(m, Options{OS: system(t, "debian"), Target: name})
			if err != nil {
				t.Fatal(err)
			}
			_, files, err := ReadISO(bytes.NewReader(out.Files[0].Content))
			if err != nil {
				t.Fatal(err)
			}
			dir := bootCloudInit(t, kind, files, m.Network.MAC, "")
			becomes(t, dir, m)
			plan, err := os.ReadFile(filepath.Join(dir, "etc/netplan/50-cloud-init.yaml"))
			if err != nil || !bytes.Contains(plan, []byte(m.Network.Address)) {
				t.Errorf("the network: %v\n%s", err, plan)
			}
		})
	}
}
