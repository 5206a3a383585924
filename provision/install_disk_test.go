package provision

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// sight is what install-look.sh says on a machine with these disks, as lsblk
// lists them.
func sight(arch, device, pools, disks string) string {
	return "= boot\n11111111-2222\n= arch\n" + arch + "\n= device\n" + device +
		"\n= tools\nlsblk\nsetsid\nflock\nhead\nstat\nflatcar-install\n= run\ntmpfs\n= pools\n" + pools + "\n= disks\n{\"blockdevices\": [" + disks + "]}\n= end\n"
}

// sda is a disk with what is on it, in lsblk's words.
func sda(size, children string) string {
	return `{"name":"sda","kname":"sda","path":"/dev/sda","type":"disk","size":` + size + `,"ro":false,"vendor":"ATA     ","model":"Samsung SSD 870 EVO 500GB","serial":"S5Y2","wwn":"0x5002538f","tran":"sata","pttype":"gpt","fstype":null,"label":null,"partlabel":null,"mountpoint":null,"mountpoints":[null],"children":[` + children + `]}`
}

func part(name, kind, fs, mount, children string) string {
	path := "/dev/" + name
	if kind == "lvm" || kind == "crypt" {
		path = "/dev/mapper/" + name
	}
	return `{"name":"` + name + `","kname":"` + name + `","path":"` + path + `","type":"` + kind + `","size":100000000000,"ro":false,"fstype":"` + fs + `","label":"data","mountpoint":"` + mount + `","mountpoints":["` + mount + `"],"children":[` + children + `]}`
}

func TestDisksThatAreRefused(t *testing.T) {
	const big = "500107862016"
	usb := `,{"name":"sdb","kname":"sdb","path":"/dev/sdb","type":"disk","size":16008609792,"ro":true,"model":"Cruzer","tran":"usb"}`
	cases := map[string]struct {
		device, arch, pools, disks string
		want                       string // a part of the refusal; nothing: it is taken
	}{
		"empty":            {disks: sda(big, "")},
		"unused contents":  {disks: sda(big, part("sda1", "part", "ext4", "", ""))},
		"unused LVM":       {disks: sda(big, part("sda1", "part", "LVM2_member", "", ""))},
		"by a link":        {device: "/dev/disk/by-id/ata-Samsung", disks: sda(big, "")},
		"missing":          {device: "/dev/sdx", disks: sda(big, "") + usb, want: "there is no /dev/sdx; the disks are /dev/sda (Samsung SSD 870 EVO 500GB, 500.1 GB), /dev/sdb"},
		"a partition":      {device: "/dev/sda1", disks: sda(big, part("sda1", "part", "", "", "")), want: "/dev/sda1 is a part of /dev/sda; name the whole disk: /dev/sda"},
		"a CD-ROM":         {disks: strings.Replace(sda(big, ""), `"type":"disk"`, `"type":"rom"`, 1), want: "no disk but of type rom"},
		"read-only":        {device: "/dev/sdb", disks: sda(big, "") + usb, want: "/dev/sdb is read-only"},
		"too small":        {disks: sda("8000000000", ""), want: "has 8.0 GB, and a node needs 10.0 GB"},
		"mounted":          {disks: sda(big, part("sda1", "part", "ext4", "/mnt", "")), want: "sda1 is mounted at /mnt; run umount /dev/sda1"},
		"mounted whole":    {disks: strings.Replace(sda(big, ""), `"mountpoints":[null]`, `"mountpoints":[null,"/data"]`, 1), want: "sda is mounted at /data"},
		"mounted, old":     {disks: strings.Replace(sda(big, ""), `"mountpoint":null,"mountpoints":[null]`, `"mountpoint":"/data"`, 1), want: "sda is mounted at /data"},
		"swap":             {disks: sda(big, part("sda2", "part", "swap", "[SWAP]", "")), want: "sda2 is swap; run swapoff /dev/sda2"},
		"LVM":              {disks: sda(big, part("sda1", "part", "LVM2_member", "", part("vg-a", "lvm", "ext4", "", ""))), want: "LVM has vg-a on it; run vgchange -an"},
		"RAID":             {disks: sda(big, part("sda1", "part", "linux_raid_member", "", part("md0", "raid1", "", "", ""))), want: "part of the RAID md0; run mdadm --stop /dev/md0"},
		"open encryption":  {disks: sda(big, part("sda1", "part", "crypto_LUKS", "", part("vault", "crypt", "", "", ""))), want: "it holds vault (crypt)"},
		"pool":             {pools: "sda3", disks: sda(big, part("sda3", "part", "btrfs", "", "")), want: "sda3 is part of a file system on several disks"},
		"root":             {disks: sda(big, part("sda3", "part", "ext4", "/", "")), want: "is what the running system is on: sda3 is mounted at /; start the machine from a live"},
		"root on LVM":      {disks: sda(big, part("sda1", "part", "LVM2_member", "", part("vg-root", "lvm", "xfs", "/", ""))), want: "is what the running system is on"},
		"live medium":      {disks: sda(big, part("sda1", "part", "iso9660", "/run/media/iso", "")), want: "is what the running system is on"},
		"other processor":  {arch: "aarch64", disks: sda(big, ""), want: "its processor is aarch64, and the cluster's nodes are amd64"},
		"terminal escapes": {disks: sda(big, part("sda1", "part", "ext4", `/mnt/\u001b[2J`, "")), want: "mounted at /mnt/[2J;"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			i := Installation{Node: "w1", Device: c.device, Arch: "amd64", Installer: Installers()[0]}
			if i.Device == "" {
				i.Device = "/dev/sda"
			}
			if c.arch == "" {
				c.arch = "x86_64"
			}
			resolved := i.Device
			if name == "by a link" {
				resolved = "/dev/sda"
			}
			s, err := parseScene(sight(c.arch, resolved, c.pools, c.disks))
			if err != nil {
				t.Fatal(err)
			}
			disk, err := i.judge(s)
			var refused *RefusedError
			switch {
			case c.want == "" && (err != nil || disk.Path != "/dev/sda"):
				t.Errorf("got %v, %v", disk, err)
			case c.want != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestLiveSystemsThatWillNotDo(t *testing.T) {
	whole := sight("x86_64", "/dev/sda", "", sda("500107862016", ""))
	for old, c := range map[string]struct{ instead, want string }{
		"flatcar-install\n": {"", "the live system has no flatcar-install; Flatcar's own ISO"},
		"setsid\n":          {"", "has no setsid; use another live system"},
		"tmpfs":             {"ext2/ext3", `its /run is of type "ext2/ext3"`},
		"11111111-2222\n":   {"", "it has no boot ID"},
		"= end\n":           {"", "the answer was cut"},
		whole[strings.Index(whole, "{"):strings.Index(whole, "= end")]: {"\n", "lsblk of util-linux 2.33 or later is needed"},
	} {
		i := Installation{Node: "w1", Device: "/dev/sda", Arch: "amd64", Installer: Installers()[0]}
		s, err := parseScene(strings.Replace(whole, old, c.instead, 1))
		if err == nil {
			_, err = i.judge(s)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("without %q: got %v", old, err)
		}
	}
}

// thisComputer runs scripts here.
type thisComputer struct{}

func (thisComputer) Run(ctx context.Context, c Command) (Result, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", c.Script)
	cmd.Stdin = c.Stdin
	out, err := cmd.Output()
	return Result{Stdout: out}, err
}
func (thisComputer) Close() error { return nil }

var _ Visit = thisComputer{}

// The real lsblk's words are understood, and no disk that this very computer
// runs from would be written.
func TestLookAtThisComputer(t *testing.T) {
	i := Installation{Node: "here", Device: "/dev/null", Arch: runtime.GOARCH, Installer: Installers()[0]}
	s, err := i.gather(t.Context(), thisComputer{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.disks) == 0 || s.boot == "" || s.device != "/dev/null" {
		t.Errorf("got %+v", s)
	}
	for _, d := range s.disks {
		if what, _ := s.inUse(d); len(d.mounts()) > 0 && what == "" {
			t.Errorf("%s is mounted at %q and would be written", d.Path, d.mounts())
		}
	}
	if _, err := i.judge(s); err == nil || !strings.Contains(err.Error(), "there is no /dev/null") {
		t.Errorf("got %v", err)
	}
}

func TestDisksForPeople(t *testing.T) {
	s, err := parseScene(sight("x86_64", "", "", sda("500107862016", part("sda1", "part", "ext4", "", ""))))
	if err != nil {
		t.Fatal(err)
	}
	d := describeDisk(s.disks[0])
	if got, want := d.String(), "/dev/sda (Samsung SSD 870 EVO 500GB, 500.1 GB)"; got != want {
		t.Errorf("got %s", got)
	}
	if got, want := d.About(), "Samsung SSD 870 EVO 500GB, 500.1 GB, serial S5Y2, sata"; got != want {
		t.Errorf("got %s", got)
	}
	if len(d.Contents) != 1 || d.Contents[0].String() != "sda1: 100.0 GB, ext4, data" {
		t.Errorf("got %v", d.Contents)
	}
}
