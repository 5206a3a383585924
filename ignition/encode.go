package ignition

import (
	"fmt"
	"io/fs"
	"regexp"

	"github.com/kbm-dev/kbm/cluster"
)

var (
	// A label of RFC 1123, which is what Kubernetes asks of a node's name.
	hostname = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	// What useradd accepts on every system that kbm sets up.
	userName = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
)

// Encode gives what the operating system reads at its first boot: Ignition's
// JSON or a cloud-config. It holds the parts up to that stage: Base for what a
// medium carries by default, Joined for everything. Nothing is left out in
// silence: what the format or a medium cannot carry is an error.
func (m Machine) Encode(system cluster.OS, stage Stage) ([]byte, error) {
	part := m.upTo(stage)
	if err := part.check(); err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.Name, err)
	}
	var out []byte
	var err error
	switch system.Format {
	case cluster.Ignition:
		out, err = part.encodeIgnition(system.Variant, system.VariantVersion)
	case cluster.CloudConfig:
		out, err = part.encodeCloudConfig()
	case cluster.CoreOSCloudConfig:
		out, err = part.encodeCoreOS()
	default:
		err = fmt.Errorf("operating system %s: format %q is not one that kbm writes", system.Name, system.Format)
	}
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.Name, err)
	}
	return out, nil
}

// upTo is the Machine with nothing that comes after stage.
func (m Machine) upTo(stage Stage) Machine {
	m.Dirs = keep(m.Dirs, func(d Dir) bool { return d.Stage <= stage })
	m.Files = keep(m.Files, func(f File) bool { return f.Stage <= stage })
	m.Links = keep(m.Links, func(l Link) bool { return l.Stage <= stage })
	m.Units = keep(m.Units, func(u Unit) bool { return u.Stage <= stage })
	return m
}

func keep[T any](all []T, wanted func(T) bool) []T {
	var kept []T
	for _, one := range all {
		if wanted(one) {
			kept = append(kept, one)
		}
	}
	return kept
}

// check finds what no reader would report: Ignition takes any user name and
// any mode that fits, and cloud-init checks next to nothing.
func (m Machine) check() error {
	if !hostname.MatchString(m.Hostname) {
		return fmt.Errorf("host name %q: 1 to 63 lower-case letters, digits and -, with a letter or digit at both ends", m.Hostname)
	}
	for _, u := range m.Users {
		if !userName.MatchString(u.Name) {
			return fmt.Errorf("user %q: 1 to 32 lower-case letters, digits, - and _, with a letter or _ at the start", u.Name)
		}
	}
	for _, f := range m.Files {
		if f.Artefact != nil {
			return fmt.Errorf("file %s: it is artefact %s of the bundle, which no medium carries", f.Path, f.Artefact.Name)
		}
		if err := checkMode(f.Mode); err != nil {
			return fmt.Errorf("file %s: %w", f.Path, err)
		}
	}
	for _, d := range m.Dirs {
		if err := checkMode(d.Mode); err != nil {
			return fmt.Errorf("directory %s: %w", d.Path, err)
		}
	}
	return nil
}

func checkMode(mode fs.FileMode) error {
	if mode.Perm() == 0 {
		return fmt.Errorf("mode %04o: nobody could read it; 0644 or 0600 would do", mode)
	}
	return nil
}

// sudoers lets kbm's login become root. Images give that to their own user
// only, and a Machine may name another.
func (m Machine) sudoers() string {
	var text string
	for _, u := range m.Users {
		if u.Name != "root" {
			text += u.Name + " ALL=(ALL) NOPASSWD: ALL\n"
		}
	}
	return text
}

// orRoot is the owner or group that an empty name stands for.
func orRoot(name string) string {
	if name == "" {
		return "root"
	}
	return name
}
