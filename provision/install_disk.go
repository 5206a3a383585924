package provision

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// WholeDisk is a disk of a machine, for people to know it by.
type WholeDisk struct {
	Path      string    `json:"path"`
	Model     string    `json:"model,omitempty"`
	Serial    string    `json:"serial,omitempty"`
	WWN       string    `json:"wwn,omitempty"`
	Transport string    `json:"transport,omitempty"`
	Size      int64     `json:"size"` // bytes
	Contents  []Content `json:"contents"`
}

// Content is something that is on a disk: a partition, or what lies on one.
type Content struct {
	Name  string `json:"name"`
	Size  int64  `json:"size"` // bytes
	Type  string `json:"type,omitempty"`
	Label string `json:"label,omitempty"`
}

// String is one line: /dev/sda (Samsung SSD 870 EVO, 500.1 GB).
func (d WholeDisk) String() string {
	var words []string
	if d.Model != "" {
		words = append(words, d.Model)
	}
	return d.Path + " (" + strings.Join(append(words, Gigabytes(d.Size)), ", ") + ")"
}

// About is everything by which a person knows it, but its path.
func (d WholeDisk) About() string {
	words := []string{Gigabytes(d.Size)}
	if d.Model != "" {
		words = []string{d.Model, words[0]}
	}
	if d.Serial != "" {
		words = append(words, "serial "+d.Serial)
	}
	if d.Transport != "" {
		words = append(words, d.Transport)
	}
	return strings.Join(words, ", ")
}

// String is one line: sda1: 0.5 GB, vfat, EFI-SYSTEM.
func (c Content) String() string {
	text := c.Name + ": " + Gigabytes(c.Size)
	for _, word := range []string{c.Type, c.Label} {
		if word != "" {
			text += ", " + word
		}
	}
	return text
}

// Gigabytes is a size in the unit that is printed on disks.
func Gigabytes(bytes int64) string { return fmt.Sprintf("%.1f GB", float64(bytes)/1e9) }

// is tells whether two sights are of one disk. Names change from boot to boot.
func (d WholeDisk) is(other WholeDisk) bool {
	switch {
	case d.WWN != "" && other.WWN != "":
		return d.WWN == other.WWN
	case d.Serial != "" && other.Serial != "":
		return d.Serial == other.Serial
	}
	return d.Size == other.Size && d.Model == other.Model
}

func describeDisk(b blockDevice) WholeDisk {
	d := WholeDisk{
		Path: b.Path, Model: printable(b.Vendor + " " + b.Model), Serial: printable(b.Serial), WWN: printable(b.WWN),
		Transport: printable(b.Transport), Size: b.Size, Contents: []Content{},
	}
	// ATA is what the kernel calls the vendor of every disk with that plug.
	d.Model = strings.TrimPrefix(d.Model, "ATA ")
	b.walk(func(part blockDevice) {
		if part.Name == b.Name && part.FSType == "" {
			return
		}
		c := Content{Name: printable(part.Name), Size: part.Size, Type: printable(part.FSType), Label: printable(part.Label)}
		if c.Label == "" {
			c.Label = printable(part.PartLabel)
		}
		d.Contents = append(d.Contents, c)
	})
	return d
}

// printable is a text of a machine that can be shown on a terminal.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// leastDisk is what a node needs: Flatcar's and Fedora CoreOS's images with
// room for an update take half of it, and Kubernetes' images the rest.
const leastDisk = 10e9 // bytes

// systemMounts are where running systems have themselves, and live systems the
// medium that they were started from.
func systemMounts() []string {
	return []string{
		"/", "/usr", "/boot", "/sysroot", "/cdrom", "/run/live/medium", "/lib/live/mount/medium", "/run/initramfs/live",
		"/run/media/iso", "/run/archiso/bootmnt", "/media/cdrom", "/isodevice",
	}
}

// judge finds the disk and refuses it where a person would be sorry after.
func (i Installation) judge(s scene) (WholeDisk, error) {
	refuse := func(cure, what string, args ...any) (WholeDisk, error) {
		return WholeDisk{}, &RefusedError{Node: i.Node, What: fmt.Sprintf(what, args...), Cure: cure}
	}
	if names := map[string]string{"x86_64": "amd64", "aarch64": "arm64"}; names[s.arch] != i.Arch {
		return refuse("use another machine", "its processor is %s, and the cluster's nodes are %s", s.arch, i.Arch)
	}
	device, parent := s.find(i.Device)
	others := "the disks are " + strings.Join(s.names(), ", ")
	switch {
	case device == nil:
		return refuse(others, "there is no %s", i.Device)
	case parent != nil:
		return refuse("name the whole disk: "+parent.Path, "%s is a part of %s", i.Device, parent.Path)
	case device.Type != "disk":
		return refuse(others, "%s is no disk but of type %s", i.Device, printable(device.Type))
	case device.ReadOnly:
		return refuse("take its write protection off, or name another disk", "%s is read-only", i.Device)
	}
	if what, cure := s.inUse(*device); what != "" {
		return refuse(cure, "%s %s", i.Device, what)
	}
	if device.Size < leastDisk {
		return refuse("use a larger one", "%s has %s, and a node needs %s", i.Device, Gigabytes(device.Size), Gigabytes(leastDisk))
	}
	for _, tool := range []string{i.Installer.Program, "setsid", "flock", "head", "stat"} {
		if slices.Contains(s.tools, tool) {
			continue
		}
		cure := "use another live system"
		if tool == i.Installer.Program {
			cure = i.Installer.From
		}
		return refuse(cure, "the live system has no %s", tool)
	}
	if s.run != "tmpfs" {
		return refuse("use another live system", "its /run is of type %q and not in memory, and the configuration holds a key", printable(s.run))
	}
	return describeDisk(*device), nil
}

// find returns the device at a path, and the disk that it is a part of.
func (s scene) find(path string) (device, parent *blockDevice) {
	for n := range s.disks {
		disk := &s.disks[n]
		disk.walk(func(d blockDevice) {
			switch {
			case device != nil || d.Path != path && d.Path != s.device:
			case d.Name == disk.Name:
				device = disk
			default:
				device, parent = &d, disk
			}
		})
	}
	return device, parent
}

func (s scene) names() []string {
	var names []string
	for _, d := range s.disks {
		if d.Type == "disk" && d.Size > 0 {
			names = append(names, describeDisk(d).String())
		}
	}
	return names
}

// inUse tells by what a disk or a part of it is held, and how to let it go.
func (s scene) inUse(disk blockDevice) (what, cure string) {
	disk.walk(func(d blockDevice) {
		for _, m := range d.mounts() {
			name := printable(m)
			switch {
			case slices.Contains(systemMounts(), m):
				what, cure = "is what the running system is on: "+d.Name+" is mounted at "+name, "start the machine from a live or rescue Linux on another medium"
			case what != "":
			case m == "[SWAP]":
				what, cure = "is in use: "+d.Name+" is swap", "run swapoff "+d.Path+" there"
			default:
				what, cure = "is in use: "+d.Name+" is mounted at "+name, "run umount "+d.Path+" there"
			}
		}
		if what != "" {
			return
		}
		switch kind := d.Type; {
		case kind == "lvm":
			what, cure = "is in use: LVM has "+d.Name+" on it", "run vgchange -an there"
		case strings.HasPrefix(kind, "raid"):
			what, cure = "is in use: it is part of the RAID "+d.Name, "run mdadm --stop "+d.Path+" there"
		case kind != "disk" && kind != "part":
			what, cure = "is in use: it holds "+d.Name+" ("+printable(kind)+")", "close that there"
		case slices.Contains(s.pools, d.KName):
			what, cure = "is in use: "+d.Name+" is part of a file system on several disks", "unmount or export that there"
		}
	})
	return what, cure
}
