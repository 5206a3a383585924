package ignition

import (
	"errors"
	"fmt"

	// encoding/json would write every empty struct; this is what Butane uses.
	"github.com/clarketm/json"
	base "github.com/coreos/butane/base/v0_5"
	"github.com/coreos/butane/config/common"
	fcos "github.com/coreos/butane/config/fcos/v1_5"
	flatcar "github.com/coreos/butane/config/flatcar/v1_1"
	"github.com/coreos/ignition/v2/config/v3_4/types"
	"github.com/coreos/vcontext/report"
)

// translation is one of Butane's dialects. Its typed form is used, not its
// YAML: no unknown key is possible, a file may hold any bytes, and the other
// thirty dialects stay out of the program.
type translation func(base.Config) (types.Config, report.Report, error)

// translations is the table of dialects, by variant and version.
func translations() map[string]translation {
	options := common.TranslateOptions{NoResourceAutoCompression: true} // pack decides
	return map[string]translation{
		"flatcar 1.1.0": func(c base.Config) (types.Config, report.Report, error) {
			return flatcar.Config{Config: c}.ToIgn3_4(options)
		},
		"fcos 1.5.0": func(c base.Config) (types.Config, report.Report, error) {
			return fcos.Config{Config: c}.ToIgn3_4(options)
		},
	}
}

func (m Machine) encodeIgnition(variant, version string) ([]byte, error) {
	translate, ok := translations()[variant+" "+version]
	if !ok {
		return nil, fmt.Errorf("kbm does not write Butane's %s %s", variant, version)
	}
	config, err := m.butane(translate)
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	return append(out, '\n'), nil
}

// butane translates strictly: a warning is an error too, since a node that
// boots half-configured tells nobody.
func (m Machine) butane(translate translation) (types.Config, error) {
	config := m.butaneConfig()
	out, found, err := translate(config)
	var faults []error
	for _, e := range found.Entries {
		faults = append(faults, fmt.Errorf("%s: %s", place(config, e.Context.Path), e.Message))
	}
	if len(faults) == 0 && err != nil {
		faults = append(faults, err)
	}
	return out, errors.Join(faults...)
}

func (m Machine) butaneConfig() base.Config {
	var c base.Config
	for _, u := range m.Users {
		user := base.PasswdUser{Name: u.Name}
		for _, key := range u.AuthorizedKeys {
			user.SSHAuthorizedKeys = append(user.SSHAuthorizedKeys, base.SSHAuthorizedKey(key))
		}
		c.Passwd.Users = append(c.Passwd.Users, user)
	}
	for _, d := range m.Dirs {
		// Not overwritten: Ignition would empty a directory that is there.
		c.Storage.Directories = append(c.Storage.Directories, base.Directory{
			Path: d.Path, Mode: new(int(d.Mode)), User: butaneUser(d.Owner), Group: butaneGroup(d.Group),
		})
	}
	files := m.Files
	if text := m.sudoers(); text != "" {
		files = append(files[:len(files):len(files)], File{Path: "/etc/sudoers.d/90-kbm", Mode: 0o440, Content: []byte(text)})
	}
	for _, f := range files {
		c.Storage.Files = append(c.Storage.Files, base.File{
			Path: f.Path, Mode: new(int(f.Mode)), User: butaneUser(f.Owner), Group: butaneGroup(f.Group),
			Contents: butaneContent(f.Content), Overwrite: new(true),
		})
	}
	for _, l := range m.Links {
		c.Storage.Links = append(c.Storage.Links, base.Link{Path: l.Path, Target: &l.Target, Overwrite: new(true)})
	}
	for _, u := range m.Units {
		unit := base.Unit{Name: u.Name}
		if u.Content != "" {
			unit.Contents = &u.Content
		}
		if u.Enabled {
			unit.Enabled = new(true)
		}
		c.Systemd.Units = append(c.Systemd.Units, unit)
	}
	return c
}

func butaneContent(content []byte) base.Resource {
	if packed, ok := pack(content); ok {
		return base.Resource{Inline: new(string(packed)), Compression: new("gzip")}
	}
	return base.Resource{Inline: new(string(content))}
}

func butaneUser(name string) base.NodeUser {
	if name == "" {
		return base.NodeUser{}
	}
	return base.NodeUser{Name: &name}
}

func butaneGroup(name string) base.NodeGroup {
	if name == "" {
		return base.NodeGroup{}
	}
	return base.NodeGroup{Name: &name}
}

// place turns a path in Butane's configuration, such as storage.files.3.mode,
// into words of the Machine.
func place(c base.Config, path []any) string {
	if len(path) < 3 {
		return fmt.Sprint(path...)
	}
	i, _ := path[2].(int)
	var kind, name string
	switch path[1] {
	case "files":
		kind, name = "file", c.Storage.Files[i].Path
	case "directories":
		kind, name = "directory", c.Storage.Directories[i].Path
	case "links":
		kind, name = "link", c.Storage.Links[i].Path
	case "units":
		kind, name = "unit", c.Systemd.Units[i].Name
	case "users":
		kind, name = "user", c.Passwd.Users[i].Name
	}
	where := fmt.Sprintf("%s %q", kind, name)
	for _, step := range path[3:] {
		where += fmt.Sprintf(" %v", step)
	}
	return where
}
