package lab

import (
	"fmt"
	"strconv"
	"strings"
)

const qemuProgram = "qemu-system-x86_64"

// firmwareNames are where Ignition looks in QEMU's firmware: Flatcar's and
// everybody else's.
func firmwareNames() []string {
	return []string{"opt/org.flatcar-linux/config", "opt/com.coreos/config"}
}

// arguments describe a plain computer with virtio devices, which all cloud
// images have drivers for; their CD-ROM is a SCSI one, because some of them
// have none for SATA. The network card has a fixed place on the bus, and so
// the same name whatever else is plugged in.
func (q qemu) arguments(m Machine) []string {
	args := []string{
		"-name", q.lab.machineNetns(m.Name),
		"-sandbox", "on", "-nodefaults", "-no-user-config",
		"-machine", "q35", "-accel", string(q.accel), "-cpu", q.accel.cpu(),
		"-smp", strconv.Itoa(q.vm.CPUs), "-m", strconv.Itoa(q.vm.Memory),
		// A boot loader may insist on a screen.
		"-display", "none", "-vga", "std",
		"-chardev", "file,id=console,append=on,path=" + option(q.lab.consolePath(m.Name)), "-serial", "chardev:console",
		"-device", "virtio-rng-pci",
		"-netdev", "tap,id=lan,script=no,downscript=no,ifname=" + portName(m.Name),
		"-device", "virtio-net-pci,netdev=lan,addr=3,romfile=,mac=" + m.MAC,
		"-drive", "if=none,id=disk,format=qcow2,cache=unsafe,discard=unmap,file=" + option(q.diskPath(m.Name)),
		"-device", "virtio-blk-pci,drive=disk,bootindex=0",
	}
	if m.ISO != "" {
		args = append(args,
			"-device", "virtio-scsi-pci",
			"-drive", "if=none,id=medium,format=raw,media=cdrom,readonly=on,file="+option(m.ISO),
			"-device", "scsi-cd,drive=medium")
	}
	if m.Firmware != "" {
		for _, name := range firmwareNames() {
			args = append(args, "-fw_cfg", fmt.Sprintf("name=%s,file=%s", name, option(m.Firmware)))
		}
	}
	return args
}

// option writes a value as QEMU reads it, for which a comma ends a value.
func option(value string) string { return strings.ReplaceAll(value, ",", ",,") }
