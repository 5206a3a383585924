package ignition

import "github.com/kbm-dev/kbm/cluster"

// Targets is the table of targets; adding one is one row. The readers' rules
// are those of their sources: Ignition's internal/providers, cloud-init's
// DataSourceNoCloud and DataSourceConfigDrive, coreos-cloudinit's datasource.
func Targets() []Target {
	cloud, ignitions := []string{"debian", "ubuntu"}, []string{"flatcar", "fcos"}
	const attach = `attach {{.File}} as a CD-ROM to a machine whose disk holds `
	return []Target{
		{
			Name: "nocloud", Reader: "cloud-init (NoCloud)", Format: cluster.CloudConfig, OSes: cloud,
			Output: ISO, Label: "cidata", Paths: []string{"user-data", "meta-data", "network-config"}, beside: noCloud,
			anyCase: true, required: 2, Stick: true,
			Refuses: onIgnition("would be ignored: Ignition reads no NoCloud seed; write proxmox for a Proxmox VE image, ignition-file to install on a disk"),
			Steps:   attach + `{{.OS}}'s cloud image, or write it to a USB stick, and start the machine: cloud-init reads the volume labelled {{.Label}}`,
		},
		{
			Name: "config-drive", Reader: "cloud-init (ConfigDrive)", Format: cluster.CloudConfig, OSes: cloud,
			Output: ISO, Label: "config-2", beside: cloudConfigDrive, anyCase: true, required: 2, NamedCard: true,
			Paths:   []string{"openstack/latest/user_data", "openstack/latest/meta_data.json", "openstack/latest/network_data.json"},
			Refuses: onIgnition("is cloud-init's, and Ignition is no part of that; write openstack for an OpenStack image, ignition-file to install on a disk"),
			Steps:   attach + `{{.OS}}'s cloud image, or write it to a USB stick, and start the machine: cloud-init reads the volume labelled {{.Label}}`,
		},
		{
			Name: "openstack", Reader: "Ignition (openstack)", Format: cluster.Ignition, OSes: ignitions,
			Output: ISO, Label: "config-2", beside: configDrive, NeedsNetwork: true, anyCase: true,
			Paths:   []string{"openstack/latest/user_data", "openstack/latest/meta_data.json"},
			Kernel:  []string{"ignition.platform.id=openstack"},
			Refuses: onCloudInit("holds Ignition, which cloud-init does not read; write config-drive for the same volume with cloud-config"),
			Steps: attach + `{{.OS}}'s OpenStack image, and start the machine
a system that was installed on bare metal reads no such volume: there, kbm install {{.Name}} --device DISK writes the system with {{.Plain}}`,
		},
		{
			Name: "proxmox", Reader: "Ignition (proxmoxve)", Format: cluster.Ignition, OSes: ignitions,
			Output: ISO, Label: "cidata", Paths: []string{"user-data", "meta-data"}, beside: noCloudPlain,
			Kernel:  []string{"ignition.platform.id=proxmoxve"},
			Refuses: onCloudInit("holds Ignition, which cloud-init does not read; write nocloud for the same volume with cloud-config"),
			Steps: `upload {{.File}} to a storage for ISO images, and add it as a CD-ROM to a VM whose disk is {{.OS}}'s Proxmox VE image: qm set VMID --ide2 STORAGE:iso/{{.Name}}.iso,media=cdrom
the VM must have no cloud-init drive of its own: it would carry the same label`,
		},
		{
			Name: "qemu-fw-cfg", Reader: "Ignition (qemu)", Format: cluster.Ignition, OSes: ignitions,
			Output: Raw, Paths: []string{configName},
			Kernel: []string{"ignition.platform.id=qemu"}, Refuses: onCloudInit("holds Ignition, which cloud-init does not read; write nocloud, and give QEMU the ISO as a CD-ROM"),
			Steps: `start QEMU with {{.OS}}'s QEMU image and this argument: -fw_cfg name={{if eq .OS "flatcar"}}opt/org.flatcar-linux/config{{else}}opt/com.coreos/config{{end}},file={{.File}}`,
		},
		{
			Name: "vmware", Reader: "Ignition (vmware)", Format: cluster.Ignition, OSes: ignitions,
			Output: Raw, Paths: []string{"guestinfo.data"}, encode: guestinfo,
			// A .vmx file takes that much of guestinfo (tools.setInfo.sizeLimit).
			MaxSize: 1 << 20,
			Kernel:  []string{"ignition.platform.id=vmware"}, Refuses: onCloudInit("holds Ignition, which cloud-init does not read; write nocloud, and attach the ISO as a CD-ROM"),
			Steps: `before the first start of a VM from {{.OS}}'s VMware image, set guestinfo.ignition.config.data.encoding to gzip+base64, and guestinfo.ignition.config.data to what is in {{.File}}
with govc: govc vm.change -vm {{.Name}} -e guestinfo.ignition.config.data.encoding=gzip+base64 -f guestinfo.ignition.config.data={{.File}}`,
		},
		{
			Name: "fcos-metal", Reader: "Ignition 2.27 or later (metal)", Format: cluster.Ignition, OSes: []string{"fcos"},
			Output: ISO, Label: "kbm-ignition", Paths: []string{configName},
			// Both are needed, and a machine that does not find them stops.
			Kernel: []string{"ignition.config.device=kbm-ignition", "ignition.config.path=/" + configName},
			Refuses: refusals(onCloudInit("holds Ignition, which cloud-init does not read; write nocloud"), map[string]string{
				"flatcar": "would be ignored: Flatcar's Ignition (2.26) has no ignition.config.device; write ignition-file, and install with it",
			}),
			Steps: `install Fedora CoreOS with: coreos-installer install DEVICE{{range .Kernel}} --append-karg {{.}}{{end}}
write {{.File}} to a USB stick or attach it as a CD-ROM before the installed system starts for the first time; it must have Ignition 2.27 or later`,
		},
		{
			Name: "coreos-cloudinit", Reader: "coreos-cloudinit", Format: cluster.CoreOSCloudConfig, OSes: []string{"flatcar"},
			Output: ISO, Label: "config-2", Paths: []string{"openstack/latest/user_data"}, Stick: true,
			Kernel: []string{"flatcar.configdrive=1"},
			Refuses: refusals(onCloudInit("is for coreos-cloudinit, whose dialect cloud-init does not read; write config-drive"), map[string]string{
				"fcos": "would be ignored: Fedora CoreOS has no coreos-cloudinit; write openstack or ignition-file",
			}),
			Steps: `attach {{.File}} as a CD-ROM to a machine with Flatcar on its disk, and start it: coreos-cloudinit reads the volume labelled {{.Label}} at each start
detach it once the machine answers, for what is changed later is undone by it
on bare metal it looks for one only with flatcar.configdrive=1 on the kernel's command line: set linux_append="flatcar.configdrive=1" in /oem/grub.cfg`,
		},
		{
			Name: "ignition-file", Reader: "Ignition (metal)", Format: cluster.Ignition, OSes: ignitions,
			Output: Raw, Paths: []string{configName}, Refuses: onCloudInit("holds Ignition, which cloud-init does not read; write nocloud"),
			Steps: `start the machine from any live or rescue Linux with sshd, and write the system to its disk: kbm install {{.Name}} --device DISK
or by hand: take {{.File}} there, and run {{if eq .OS "flatcar"}}flatcar-install -d DEVICE -i {{.Base}}{{else}}coreos-installer install DEVICE -i {{.Base}}{{end}}`,
		},
		{
			Name: "fcos-live-iso", Reader: "Ignition (live system)", Format: cluster.Ignition, OSes: []string{"fcos"},
			Output: LiveISO, Paths: []string{configName}, MaxSize: liveSize,
			Refuses: refusals(onCloudInit("holds Ignition, which cloud-init does not read; write nocloud"), map[string]string{
				"flatcar": "would be ignored: Flatcar's ISO has no place for a configuration; write ignition-file, and install with it",
			}),
			Steps: `put it into Fedora CoreOS's live ISO: kbm render {{.Name}} --live-iso fedora-coreos-live.iso --out {{.Name}}-live.iso
start the machine from that: it is a node for as long as it runs, in memory, and nothing is installed on its disk`,
		},
	}
}

// configName is a plain Ignition configuration, in build/NAME/ and on volumes.
const configName = "config.ign"

// onIgnition is a refusal for all systems that read Ignition.
func onIgnition(why string) map[string]string {
	return map[string]string{"flatcar": why, "fcos": why}
}

// onCloudInit is a refusal for all systems that have cloud-init.
func onCloudInit(why string) map[string]string {
	return map[string]string{"debian": why, "ubuntu": why}
}

func refusals(all ...map[string]string) map[string]string {
	joined := map[string]string{}
	for _, some := range all {
		for system, why := range some {
			joined[system] = why
		}
	}
	return joined
}
