package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// accel is what runs the instructions of virtual machines.
type accel string

const (
	kvm accel = "kvm"
	tcg accel = "tcg"
)

// cpu gives what machines see. An emulated one has what systems of today need
// (x86-64-v2) and no more: each further instruction set makes a boot slower.
func (a accel) cpu() string {
	if a == kvm {
		return "host"
	}
	return "Nehalem"
}

const (
	kvmDevice = "/dev/kvm"
	// emulatedTrial is far above the tenths of a second that the trial takes.
	emulatedTrial = 10 * time.Second
	// kvmPatience is how many times as long the trial may take with KVM. It takes
	// about as long, since most of it is QEMU's own start; where KVM is no use, it
	// was seen to take 15 times as long and more.
	kvmPatience = 3
	// qemuExit is what QEMU answers when a guest writes 1 to its debug port.
	qemuExit = 3
)

// tryKVM says why KVM does not run machines here, nil if it does. That the
// device can be opened says little: inside another virtual machine, guests may
// hang, be slower than emulated ones, or not start with the processor that they
// shall see. So it starts such a guest, which ends at once, without KVM and with it.
func tryKVM(ctx context.Context, device string) (err error) {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("no KVM: %w", err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	start := time.Now()
	if err := tryAccel(ctx, tcg, emulatedTrial); err != nil {
		return fmt.Errorf("KVM cannot be compared with emulation here: %w", err)
	}
	if err := tryAccel(ctx, kvm, kvmPatience*time.Since(start)); err != nil {
		return fmt.Errorf("KVM does not work here: %w", err)
	}
	return nil
}

func tryAccel(ctx context.Context, a accel, limit time.Duration) (err error) {
	dir, err := os.MkdirTemp("", "kbm-kvm-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	bootSector := filepath.Join(dir, "disk")
	if err := os.WriteFile(bootSector, trialDisk(), 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out, err := exec.CommandContext(ctx, qemuProgram, "-nodefaults", "-no-user-config", "-display", "none",
		"-machine", "q35", "-accel", string(a), "-cpu", a.cpu(), "-m", "64", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
		"-drive", "if=virtio,format=raw,readonly=on,file="+option(bootSector)).CombinedOutput()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("a trial guest did not end within %s", limit.Round(time.Millisecond))
	case errors.As(err, &exit) && exit.ExitCode() == qemuExit:
		return nil
	}
	return fmt.Errorf("a trial guest: %w %.200s", err, out)
}

// trialDisk starts with a boot sector that writes 1 to QEMU's debug port, as
// isa-debug-exit has it, and waits. It is as large as a BIOS wants a disk.
func trialDisk() []byte {
	disk := make([]byte, 1<<20)
	copy(disk, []byte{0xb0, 0x01, 0xe6, 0xf4, 0xf4}) // mov al, 1; out 0xf4, al; hlt
	copy(disk[510:], bootSignature())
	return disk
}
