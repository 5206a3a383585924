package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/vishvananda/netlink"
)

// qemu runs machines as virtual ones, from the disk image of a system that
// reads its medium by itself: with a kernel of its own, and the medium as a
// real CD-ROM, or in the firmware.
type qemu struct {
	rack
	vm    VM
	image image
	accel accel
}

var _ driver = qemu{}

// emulatedBoot is for a cloud image without KVM, on a busy computer.
const emulatedBoot = 15 * time.Minute

// newQEMU tries KVM only if there is a machine to be switched on.
func (l Lab) newQEMU(ctx context.Context, vm VM, machines []Machine, progress Progress) (driver, time.Duration, error) {
	q := qemu{rack: rack{l}, vm: vm, accel: tcg}
	if err := errors.Join(needRoot(), need(qemuPrograms()), vm.Check()); err != nil {
		return q, 0, err
	}
	var err error
	if q.image, err = inspectImage(ctx, vm.Image); err != nil {
		return q, 0, err
	}
	if slices.ContainsFunc(machines, func(m Machine) bool { return q.Running(m.Name) == 0 }) {
		if err := tryKVM(ctx, kvmDevice); err != nil {
			progress(Event{Step: "find KVM", Detail: fmt.Sprintf("%v: the machines' processors are emulated, which is slow", err), Done: true})
		} else {
			q.accel = kvm
		}
	}
	if q.accel == kvm {
		return q, bootDeadline, nil
	}
	return q, emulatedBoot, nil
}

// qemuPrograms, with the Debian package of each.
func qemuPrograms() map[string]string {
	return map[string]string{qemuProgram: "qemu-system-x86", "qemu-img": "qemu-utils"}
}

// Start may find a machine that an interrupted kbm is still starting.
func (q qemu) Start(ctx context.Context, m Machine) error {
	return q.whenFree(ctx, m.Name, func(lock *os.File) error { return q.start(ctx, m, lock) })
}

// recorder writes down which process it is, and becomes QEMU.
const recorder = `set -eu
read -r stat </proc/self/stat
echo "$stat" >"$0"
exec "$@"`

func (q qemu) start(ctx context.Context, m Machine, lock *os.File) error {
	if err := q.clear(m.Name); err != nil {
		return err
	}
	if err := q.ensureDisk(ctx, m.Name); err != nil {
		return fmt.Errorf("disk of machine %s: %w", m.Name, err)
	}
	if err := q.plug(m.Name); err != nil {
		return err
	}
	return inNetns(q.lab.outsideNetns(), func() error {
		return q.launch(m.Name, recorder, append([]string{qemuProgram}, q.arguments(m)...), nil, lock)
	})
}

// Stop is also what removes the traces of a machine that ended by itself.
func (q qemu) Stop(ctx context.Context, machine string) error {
	return q.stop(ctx, machine, func(context.Context) error { return q.clear(machine) })
}

// clear removes what a machine that is off may have left. The caller holds its lock.
func (q qemu) clear(machine string) error {
	if err := q.lab.unplug(machine); err != nil {
		return err
	}
	if err := os.Remove(q.processPath(machine)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (q qemu) diskPath(machine string) string {
	return filepath.Join(q.lab.machineDir(machine), "disk.qcow2")
}

// ensureDisk makes a disk that holds what differs from the image. As with
// other machines, one from before this computer last started is thrown away:
// it was never synced.
func (q qemu) ensureDisk(ctx context.Context, machine string) error {
	d := disk{dir: q.lab.machineDir(machine)}
	boot, err := bootID()
	if err != nil {
		return err
	}
	if installed, err := os.ReadFile(d.marker()); err == nil && bytes.Equal(installed, boot) {
		return nil
	}
	size := max(q.image.size, int64(q.vm.Disk)<<30)
	cmd := exec.CommandContext(ctx, "qemu-img", "create", "-q", "-f", "qcow2", "-F", q.image.format,
		"-b", q.vm.Image, q.diskPath(machine), strconv.FormatInt(size, 10))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("qemu-img create: %w\n%s", err, bytes.TrimSpace(out))
	}
	return d.installed()
}

// plug makes the host's end of a cable from the bridge to a card that QEMU has.
func (q qemu) plug(machine string) error {
	return inNetns(q.lab.outsideNetns(), func() error {
		bridge, err := netlink.LinkByName(bridgeName)
		if err != nil {
			return fmt.Errorf("bridge of %s: %w", q.lab.ID, err)
		}
		tap := &netlink.Tuntap{
			LinkAttrs: linkAttrs(portName(machine)),
			Mode:      netlink.TUNTAP_MODE_TAP,
			Flags:     netlink.TUNTAP_NO_PI | netlink.TUNTAP_VNET_HDR,
		}
		tap.MasterIndex = bridge.Attrs().Index
		if err := netlink.LinkAdd(tap); err != nil {
			return fmt.Errorf("plug in machine %s: %w", machine, err)
		}
		return netlink.LinkSetUp(tap)
	})
}
