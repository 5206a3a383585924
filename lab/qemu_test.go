package lab

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What nothing can start from is refused, with what it is.
func TestImageFaults(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	foreign := make([]byte, 1<<20) // a disk of another architecture: partitions, and no boot code
	copy(foreign[510:], bootSignature())
	iso := trialDisk()
	copy(iso[isoName:], "CD001")
	for fault, path := range map[string]string{
		"no such file":         filepath.Join(dir, "missing"),
		"is no file":           dir,
		"no disk that":         file("text", []byte("hello")),
		"unpack it first":      file("disk.xz", append([]byte{0xfd, '7', 'z', 'X', 'Z', 0}, foreign...)),
		"it is a CD-ROM":       file("installer.iso", iso),
		"another architecture": file("arm64.img", foreign),
		"qemu-img info":        file("cut.qcow2", []byte("QFI\xfb\x00\x00\x00\x03")),
	} {
		if _, err := inspectImage(t.Context(), path); err == nil || !strings.Contains(err.Error(), fault) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want %q", path, err, fault)
		}
	}
}

// Formats are found by what is in an image, and looked into.
func TestImageFormats(t *testing.T) {
	dir := t.TempDir()
	raw, packed := filepath.Join(dir, "a,b.img"), filepath.Join(dir, "image")
	if err := os.WriteFile(raw, trialDisk(), 0o400); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "qemu-img", "convert", "-O", "qcow2", raw, packed).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for path, want := range map[string]image{raw: {format: "raw", size: 1 << 20}, packed: {format: "qcow2", size: 1 << 20}} {
		if got, err := inspectImage(t.Context(), path); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", path, got, err)
		}
	}
}

func TestVMFaults(t *testing.T) {
	good := DefaultVM()
	good.Image = "/image"
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	err := VM{Memory: 1, CPUs: 256}.Check()
	for _, fault := range []string{"none is named", "1 MiB", "256 processors", "0 GiB"} {
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("got %v, want %q", err, fault)
		}
	}
}

// The medium is what the system in the image looks for, and nothing else is
// plugged in. A comma in a path does not end it.
func TestMediumOfAVirtualMachine(t *testing.T) {
	q := qemu{rack: rack{Lab{ID: "x", StateDir: "/state"}}, vm: DefaultVM(), accel: tcg}
	args := q.arguments(Machine{Name: "m1", MAC: "02:00:00:00:00:01", ISO: "/a,b/m1.iso"})
	if all := strings.Join(args, " "); !strings.Contains(all, "media=cdrom,readonly=on,file=/a,,b/m1.iso -device scsi-cd") || strings.Contains(all, "fw_cfg") {
		t.Errorf("ISO: got %s", all)
	}
	args = q.arguments(Machine{Name: "m1", MAC: "02:00:00:00:00:01", Firmware: "/c/config.ign"})
	if !slices.Contains(args, "name=opt/com.coreos/config,file=/c/config.ign") || strings.Contains(strings.Join(args, " "), "cdrom") {
		t.Errorf("firmware: got %s", args)
	}
}

// The trial must end where guests run, or KVM would never be used.
func TestTrialGuestEnds(t *testing.T) {
	if err := tryAccel(t.Context(), tcg, time.Minute); err != nil {
		t.Error(err)
	}
	if err := tryAccel(t.Context(), tcg, time.Nanosecond); err == nil || !strings.Contains(err.Error(), "did not end within") {
		t.Errorf("a guest that hangs: got %v", err)
	}
	if err := tryAccel(t.Context(), "none-such", time.Minute); err == nil || strings.Contains(err.Error(), "did not end") {
		t.Errorf("an accelerator that is not there: got %v", err)
	}
	if err := tryKVM(t.Context(), filepath.Join(t.TempDir(), "kvm")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no device: got %v", err)
	}
}

func TestALabHasOneDriver(t *testing.T) {
	l := Lab{ID: "x", StateDir: t.TempDir()}
	gateway := netip.MustParsePrefix("10.88.0.1/24")
	virtual := Spec{Gateway: gateway, VM: &VM{Image: "/image"}}
	if err := l.sameDriver(virtual); err != nil {
		t.Errorf("a new lab: %v", err)
	}
	if err := l.write(virtual); err != nil {
		t.Fatal(err)
	}
	if err := l.sameDriver(virtual); err != nil {
		t.Error(err)
	}
	if err := l.sameDriver(Spec{Gateway: gateway}); !errors.Is(err, ErrOtherDriver) {
		t.Errorf("got %v", err)
	}
	if vm, made, err := l.VM(); err != nil || !made || vm.Image != "/image" {
		t.Errorf("got %+v, %v, %v", vm, made, err)
	}
	if d, err := l.stopper(); err != nil {
		t.Error(err)
	} else if _, ok := d.(qemu); !ok {
		t.Errorf("it would be stopped as %T", d)
	}
}

// A machine that goes off while it starts must not be waited for, and its
// console is shown as text.
func TestConsoleOfAMachineThatDidNotStart(t *testing.T) {
	l := Lab{ID: "x", StateDir: t.TempDir()}
	if err := os.MkdirAll(l.machineDir("m1"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.consolePath("m1"), []byte("\x1b[2J\x1b[01;01HGRUB\r\n[\x1b[0;32m  OK  \x1b[0m] Started\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m := Machine{Name: "m1", Address: netip.MustParsePrefix("10.88.0.11/24"), SSHPort: 22}
	err := l.awaitSSH(ctx, qemu{rack: rack{l}}, time.Minute, m)
	if want := "it went off while starting; the end of its console, " + l.consolePath("m1") + ":\nGRUB\n[  OK  ] Started"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %q, want %q", err, want)
	}
}
