package lab

import (
	"crypto/sha256"
	"fmt"
	"os"
)

// supervisor is the shell script that keeps a machine running, and alone holds
// its lock. It joins the machine's control groups (listed in $1), and then runs
// systemd-nspawn again for as long as the machine reboots itself, which that
// reports as 133 where it does not see to it by itself.
const supervisor = `set -eu
read -r stat </proc/self/stat
echo "$stat" >"$0"
while read -r group; do
	echo 0 >"$group/cgroup.procs"
done <"$1"
shift
set +e
while "$@" 3>&-; test $? -eq 133; do :; done`

func (n nspawn) switchOn(m Machine, d disk, lock *os.File) error {
	carried, err := n.lab.carried(m)
	if err != nil {
		return err
	}
	argv := append([]string{n.cgroupsPath(m.Name), "systemd-nspawn"}, n.arguments(m, d)...)
	if carried != "" {
		argv = append(argv, "--bind-ro="+carried+":"+carriedAt)
	}
	return n.launch(m.Name, supervisor, argv, n.environment(), lock)
}

func (n nspawn) arguments(m Machine, d disk) []string {
	args := []string{
		"--boot", "--directory=" + d.root, "--machine=" + n.containerName(m.Name),
		// Without a name of its own the machine is what its medium makes it.
		"--hostname=localhost",
		"--network-namespace-path=" + netnsPath(n.lab.machineNetns(m.Name)),
		"--register=no", "--console=read-only", "--setenv=SYSTEMD_COLORS=0",
		"--capability=all", "--system-call-filter=@keyring bpf @known",
		"--bind=/dev/kmsg",
		"--resolv-conf=off", "--timezone=off", "--link-journal=no",
	}
	for _, dir := range plainDirs() {
		args = append(args, "--bind="+d.plain(dir)+":"+dir)
	}
	if n.host.delegates() {
		// The scope that systemd makes allows only some devices.
		args = append(args, "--property=DeviceAllow=/dev/kmsg rw")
	} else {
		args = append(args, "--keep-unit")
	}
	if n.host.modules != "" {
		args = append(args, "--bind-ro="+n.host.modules)
	} else {
		// Without modules the attempt to load one fails a unit at each boot.
		args = append(args, "--drop-capability=CAP_SYS_MODULE")
	}
	return args
}

// containerName has to be a host name, at most 64 characters long.
func (n nspawn) containerName(machine string) string {
	name := n.lab.machineNetns(machine)
	if len(name) <= 64 {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("%s-%x", name[:55], sum[:4])
}

func (n nspawn) environment() []string {
	// The lab locks its machines itself, and a killed systemd-nspawn leaves
	// its own lock files in /run.
	env := []string{"SYSTEMD_NSPAWN_LOCK=0"}
	if n.host.cgroup1 {
		return append(env, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=0", "SYSTEMD_NSPAWN_USE_CGNS=1")
	}
	return append(env, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1")
}
