package provision

import (
	"fmt"
	"strings"
)

// Installer is a program that writes an operating system to a disk, with an
// Ignition configuration that the system reads at its first boot.
type Installer struct {
	Program string
	// OS is what it writes, as in the spec, and System the same for people.
	OS, System string
	// From is where the program is at hand.
	From string
	// TakesKernelArgs tells whether it can add arguments of the kernel.
	TakesKernelArgs bool
	args            func(device string, kernelArgs []string) []string
}

// configPath is where install-run.sh puts the configuration.
const configPath = "/run/kbm-install/config.ign"

// Installers lists the programs that kbm can run; adding one is one row.
func Installers() []Installer {
	return []Installer{
		{
			Program: "flatcar-install", OS: "flatcar", System: "Flatcar",
			From: "Flatcar's own ISO and PXE image have it, and it is one script that runs on other systems (github.com/flatcar/init)",
			args: func(device string, _ []string) []string { return []string{"-d", device, "-i", configPath} },
		},
		{
			Program: "coreos-installer", OS: "fcos", System: "Fedora CoreOS", TakesKernelArgs: true,
			From: "Fedora CoreOS's live ISO has it, and Fedora and others have a package of that name",
			args: func(device string, kernelArgs []string) []string {
				args := []string{"install", device, "--ignition-file", configPath}
				for _, a := range kernelArgs {
					args = append(args, "--append-karg", a)
				}
				return args
			},
		},
	}
}

// FindInstaller returns the installer of an operating system, or of it by name;
// "auto" stands for the one that there is.
func FindInstaller(name, system string) (Installer, error) {
	var names, systems []string
	var own, named *Installer
	for _, p := range Installers() {
		names, systems = append(names, p.Program), append(systems, p.OS)
		if p.OS == system {
			own = &p
		}
		if p.Program == name {
			named = &p
		}
	}
	switch {
	case name != "auto" && named == nil:
		return Installer{}, fmt.Errorf("%q is not an installer that kbm knows; there are auto, %s", name, strings.Join(names, ", "))
	case own == nil:
		return Installer{}, fmt.Errorf("no program that kbm knows installs %s on a disk: that is for %s; write %s's cloud image to the disk and start it with the medium in build/, or install it as its makers say and adopt it with kbm add-node --host-key", system, strings.Join(systems, " and "), system)
	case named != nil && named.OS != system:
		return Installer{}, fmt.Errorf("%s installs %s, and the node has os: %s; leave it out, and %s is used", name, named.System, system, own.Program)
	}
	return *own, nil
}
