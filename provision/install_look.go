package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// scene is what a running system tells of itself and of the disks.
type scene struct {
	boot   string // boot ID
	arch   string // as uname -m has it
	device string // the device's own path, where a link was named
	tools  []string
	run    string   // type of the file system of /run
	pools  []string // kernel names of devices that a mounted file system on many disks has
	disks  []blockDevice
}

// blockDevice is one device as lsblk tells of it, with what is on it below it.
type blockDevice struct {
	Name        string        `json:"name"`
	KName       string        `json:"kname"`
	Path        string        `json:"path"`
	Type        string        `json:"type"`
	Size        int64         `json:"size"` // bytes
	ReadOnly    bool          `json:"ro"`
	Vendor      string        `json:"vendor"`
	Model       string        `json:"model"`
	Serial      string        `json:"serial"`
	WWN         string        `json:"wwn"`
	Transport   string        `json:"tran"`
	Table       string        `json:"pttype"`
	FSType      string        `json:"fstype"`
	Label       string        `json:"label"`
	PartLabel   string        `json:"partlabel"`
	Mountpoint  string        `json:"mountpoint"`
	Mountpoints []string      `json:"mountpoints"` // util-linux 2.37 and later
	Children    []blockDevice `json:"children"`
}

// mounts are the places where the device itself is in use.
func (d blockDevice) mounts() []string {
	var out []string
	for _, m := range append([]string{d.Mountpoint}, d.Mountpoints...) {
		if m != "" {
			out = append(out, m)
		}
	}
	return out
}

// walk visits a device and everything that is on it.
func (d blockDevice) walk(visit func(blockDevice)) {
	visit(d)
	for _, child := range d.Children {
		child.walk(visit)
	}
}

// gather asks in one round trip.
func (i Installation) gather(ctx context.Context, host Visit) (scene, error) {
	text, err := script("install-look.sh", i.Device, i.Installer.Program)
	if err != nil {
		return scene{}, err
	}
	res, err := host.Run(ctx, Command{Script: text})
	if err != nil {
		return scene{}, fmt.Errorf("look at the disks of %s: %w", i.Node, err)
	}
	s, err := parseScene(string(res.Stdout))
	if err != nil {
		return scene{}, fmt.Errorf("look at the disks of %s: %w", i.Node, err)
	}
	return s, nil
}

func parseScene(out string) (scene, error) {
	parts := map[string]string{}
	var name string
	for line := range strings.Lines(out) {
		if title, is := strings.CutPrefix(line, "= "); is {
			name = strings.TrimSpace(title)
			parts[name] = ""
			continue
		}
		parts[name] += line
	}
	if _, whole := parts["end"]; !whole {
		return scene{}, errors.New("the answer was cut")
	}
	s := scene{
		boot: strings.TrimSpace(parts["boot"]), arch: strings.TrimSpace(parts["arch"]),
		device: strings.TrimSpace(parts["device"]), run: strings.TrimSpace(parts["run"]),
		tools: strings.Fields(parts["tools"]), pools: strings.Fields(parts["pools"]),
	}
	if s.boot == "" {
		return s, errors.New("it has no boot ID; start it from a live Linux")
	}
	if strings.TrimSpace(parts["disks"]) == "" {
		return s, errors.New("lsblk of util-linux 2.33 or later is needed to know what is on a disk; use another live system")
	}
	var list struct {
		Devices []blockDevice `json:"blockdevices"`
	}
	if err := json.Unmarshal([]byte(parts["disks"]), &list); err != nil {
		return s, fmt.Errorf("lsblk: %w", err)
	}
	s.disks = list.Devices
	return s, nil
}
