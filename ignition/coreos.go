package ignition

import (
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"strings"
)

// coreosConfig is the part of coreos-cloudinit's dialect that kbm uses. It
// ignores what it does not know: ssh_keys, runcmd, sudo and defer among it.
// https://github.com/coreos/coreos-cloudinit/blob/v1.14.0/config/config.go
type coreosConfig struct {
	Hostname       string       `yaml:"hostname"`
	AuthorizedKeys []string     `yaml:"ssh_authorized_keys,omitempty"`
	Users          []coreosUser `yaml:"users,omitempty"`
	WriteFiles     []coreosFile `yaml:"write_files,omitempty"`
	CoreOS         coreosUnits  `yaml:"coreos,omitempty"`
}

type coreosUser struct {
	Name           string   `yaml:"name"`
	AuthorizedKeys []string `yaml:"ssh_authorized_keys,omitempty"`
}

type coreosFile struct {
	Path        string `yaml:"path"`
	Owner       string `yaml:"owner"`
	Permissions string `yaml:"permissions"`
	Encoding    string `yaml:"encoding,omitempty"`
	Content     string `yaml:"content"`
}

type coreosUnits struct {
	Units []coreosUnit `yaml:"units,omitempty"`
}

type coreosUnit struct {
	Name    string `yaml:"name"`
	Enable  bool   `yaml:"enable,omitempty"`
	Command string `yaml:"command,omitempty"`
	Content string `yaml:"content,omitempty"`
}

// coreosLogin is the user that coreos-cloudinit gives ssh_authorized_keys to.
const coreosLogin = "core"

// tmpfiles makes what coreos-cloudinit has no words for: directories with an
// owner, and links.
const tmpfiles = "/etc/tmpfiles.d/kbm.conf"

func (m Machine) encodeCoreOS() ([]byte, error) {
	// It checks nothing itself: what Butane accepts is the same for both.
	if _, err := m.butane(translations()["flatcar 1.1.0"]); err != nil {
		return nil, err
	}
	c := coreosConfig{Hostname: m.Hostname}
	for _, u := range m.Users {
		if u.Name == coreosLogin {
			c.AuthorizedKeys = u.AuthorizedKeys
		} else {
			c.Users = append(c.Users, coreosUser(u))
		}
	}
	files := slices.Clone(m.Files)
	if text := m.sudoers(); text != "" {
		files = append(files, File{Path: "/etc/sudoers.d/90-kbm", Mode: 0o440, Content: []byte(text)})
	}
	if text := m.tmpfiles(); text != "" {
		files = append(files, File{Path: tmpfiles, Mode: 0o644, Content: []byte(text)})
		// In the order in which they stand, before any unit of kbm's starts.
		c.CoreOS.Units = append(c.CoreOS.Units, coreosUnit{Name: "systemd-tmpfiles-setup.service", Command: "restart"})
	}
	for _, f := range files {
		if path.Dir(f.Path) == networkdDir {
			// As units they make coreos-cloudinit restart networkd.
			c.CoreOS.Units = append(c.CoreOS.Units, coreosUnit{Name: path.Base(f.Path), Content: string(f.Content)})
			continue
		}
		if strings.HasPrefix(f.Path, "/usr/") {
			return nil, fmt.Errorf("file %s: /usr is read-only on Flatcar", f.Path)
		}
		c.WriteFiles = append(c.WriteFiles, coreosWrite(f))
	}
	for _, u := range m.Units {
		unit := coreosUnit{Name: u.Name, Content: u.Content, Enable: u.Enabled}
		if u.Enabled {
			unit.Command = "start"
		}
		c.CoreOS.Units = append(c.CoreOS.Units, unit)
	}
	return toYAML("#cloud-config\n", c)
}

func coreosWrite(f File) coreosFile {
	out := coreosFile{
		Path: f.Path, Owner: orRoot(f.Owner) + ":" + orRoot(f.Group), Permissions: fmt.Sprintf("%04o", f.Mode),
		Content: string(f.Content),
	}
	if packed, ok := pack(f.Content); ok {
		out.Encoding, out.Content = "gz+b64", base64.StdEncoding.EncodeToString(packed)
	} else if !isText(f.Content) {
		out.Encoding, out.Content = "b64", base64.StdEncoding.EncodeToString(f.Content)
	}
	return out
}

// tmpfiles are the lines of tmpfiles.d(5) for directories and links.
func (m Machine) tmpfiles() string {
	var text strings.Builder
	for _, d := range m.Dirs {
		fmt.Fprintf(&text, "d %q %04o %s %s -\n", d.Path, d.Mode, orRoot(d.Owner), orRoot(d.Group))
	}
	for _, l := range m.Links {
		fmt.Fprintf(&text, "L+ %q - - - - %s\n", l.Path, l.Target)
	}
	return text.String()
}
