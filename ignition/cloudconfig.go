package ignition

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"path"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// cloudConfig is the part of cloud-init's schema that kbm uses.
// https://docs.cloud-init.io/en/latest/reference/modules.html
type cloudConfig struct {
	Hostname         string            `yaml:"hostname"`
	PreserveHostname bool              `yaml:"preserve_hostname"`
	DisableRoot      *bool             `yaml:"disable_root,omitempty"`
	Users            []cloudUser       `yaml:"users"`
	SSHDeleteKeys    bool              `yaml:"ssh_deletekeys,omitempty"`
	SSHKeys          map[string]string `yaml:"ssh_keys,omitempty"`
	WriteFiles       []cloudFile       `yaml:"write_files,omitempty"`
	RunCmd           []cloudCommand    `yaml:"runcmd,omitempty"`
}

type cloudUser struct {
	Name           string   `yaml:"name"`
	Shell          string   `yaml:"shell"`
	LockPassword   bool     `yaml:"lock_passwd"`
	Sudo           string   `yaml:"sudo,omitempty"`
	AuthorizedKeys []string `yaml:"ssh_authorized_keys,omitempty"`
}

type cloudFile struct {
	Path        string `yaml:"path"`
	Owner       string `yaml:"owner"`
	Permissions string `yaml:"permissions"`
	Defer       bool   `yaml:"defer,omitempty"`
	Encoding    string `yaml:"encoding,omitempty"`
	Content     string `yaml:"content"`
}

// cloudCommand is a list of words, so that no shell reads them.
type cloudCommand []string

// MarshalYAML keeps a command on one line.
func (c cloudCommand) MarshalYAML() (any, error) {
	var n yaml.Node
	if err := n.Encode([]string(c)); err != nil {
		return nil, err
	}
	n.Style = yaml.FlowStyle
	return &n, nil
}

// hostKey finds the SSH host keys: cloud-init removes those files when it sets
// up SSH, and puts there what it was given as ssh_keys.
var hostKey = regexp.MustCompile(`^/etc/ssh/ssh_host_(ed25519|ecdsa|rsa)_key(\.pub|-cert\.pub)?$`)

func (m Machine) encodeCloudConfig() ([]byte, error) {
	// cloud-init checks paths, modes and units when it is too late. What
	// Butane accepts is the same for both.
	if _, err := m.butane(translations()["flatcar 1.1.0"]); err != nil {
		return nil, err
	}
	c := cloudConfig{Hostname: m.Hostname, Users: m.cloudUsers(), RunCmd: m.cloudCommands()}
	if slices.ContainsFunc(m.Users, func(u User) bool { return u.Name == "root" }) {
		c.DisableRoot = new(false)
	}
	for _, f := range m.Files {
		key := hostKey.FindStringSubmatch(f.Path)
		if key == nil {
			c.WriteFiles = append(c.WriteFiles, cloudWrite(f))
			continue
		}
		if c.SSHKeys == nil {
			c.SSHKeys, c.SSHDeleteKeys = map[string]string{}, true
		}
		part := map[string]string{"": "private", ".pub": "public", "-cert.pub": "certificate"}[key[2]]
		c.SSHKeys[key[1]+"_"+part] = string(f.Content)
	}
	for _, u := range m.Units {
		if u.Content != "" {
			c.WriteFiles = append(c.WriteFiles, cloudWrite(File{
				Path: "/etc/systemd/system/" + u.Name, Mode: 0o644, Content: []byte(u.Content),
			}))
		}
	}
	return toYAML("#cloud-config\n", c)
}

// toYAML gives a document with its first line in front.
func toYAML(first string, v any) ([]byte, error) {
	b := bytes.NewBufferString(first)
	e := yaml.NewEncoder(b)
	e.SetIndent(2)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (m Machine) cloudUsers() []cloudUser {
	users := []cloudUser{} // an empty list, for without one cloud-init makes its own
	for _, u := range m.Users {
		user := cloudUser{Name: u.Name, Shell: "/bin/bash", LockPassword: true, AuthorizedKeys: u.AuthorizedKeys}
		if u.Name != "root" {
			user.Sudo = "ALL=(ALL) NOPASSWD:ALL"
		}
		users = append(users, user)
	}
	return users
}

func cloudWrite(f File) cloudFile {
	out := cloudFile{
		Path: f.Path, Owner: orRoot(f.Owner) + ":" + orRoot(f.Group), Permissions: fmt.Sprintf("%04o", f.Mode),
		// Files are written before users are made.
		Defer: orRoot(f.Owner) != "root" || orRoot(f.Group) != "root",
	}
	if packed, ok := pack(f.Content); ok {
		out.Encoding, out.Content = "gz+b64", base64.StdEncoding.EncodeToString(packed)
	} else if isText(f.Content) {
		out.Content = string(f.Content)
	} else {
		out.Encoding, out.Content = "b64", base64.StdEncoding.EncodeToString(f.Content)
	}
	return out
}

// cloudCommands does what cloud-init has no words for, once, at the end of the
// first boot. Nothing waits for a unit to start: cloud-init itself is one that
// the boot waits for.
func (m Machine) cloudCommands() []cloudCommand {
	var run []cloudCommand
	for _, d := range m.Dirs {
		run = append(run, cloudCommand{"install", "-d", "-m", fmt.Sprintf("%04o", d.Mode), "-o", orRoot(d.Owner), "-g", orRoot(d.Group), d.Path})
	}
	for _, l := range m.Links {
		run = append(run, cloudCommand{"mkdir", "-p", path.Dir(l.Path)}, cloudCommand{"ln", "-sfn", l.Target, l.Path})
	}
	enable, start, again := cloudCommand{"systemctl", "enable"}, cloudCommand{"systemctl", "start", "--no-block"}, cloudCommand{"systemctl", "try-restart", "--no-block"}
	for _, u := range m.Units {
		if u.Enabled {
			enable, start = append(enable, u.Name), append(start, u.Name)
		}
	}
	for _, f := range m.Files {
		if hostKey.MatchString(f.Path) { // cloud-init gives every part of ssh_keys 0600
			run = append(run, cloudCommand{"chmod", fmt.Sprintf("%04o", f.Mode), f.Path})
		}
		for _, unit := range f.Restarts {
			if !slices.Contains(again, unit) {
				again = append(again, unit)
			}
		}
	}
	if len(m.Units) > 0 {
		run = append(run, cloudCommand{"systemctl", "daemon-reload"})
	}
	if len(again) > 3 {
		run = append(run, again)
	}
	if len(enable) > 2 {
		run = append(run, enable, start)
	}
	return run
}
