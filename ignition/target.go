package ignition

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
)

// Output is the kind of file that a target is handed over in.
type Output string

// The kinds of file.
const (
	// ISO is a volume with a label.
	ISO Output = "iso"
	// Raw is the configuration itself, or an encoded form of it.
	Raw Output = "file"
	// LiveISO is the system's own live ISO with the configuration in it.
	LiveISO Output = "live-iso"
)

// Target is one way in which a machine gets its configuration at its first
// boot: what reads it there, and what that reader looks for.
type Target struct {
	Name   string         `json:"name"`
	Reader string         `json:"reader"`
	Format cluster.Format `json:"format"`
	// OSes are the systems whose images have the reader.
	OSes   []string `json:"oses"`
	Output Output   `json:"output"`
	// Label of the volume, in the case that every reader takes.
	Label string `json:"label,omitempty"`
	// Paths are those of the files, on the volume or in build/NAME/. The first
	// one holds the configuration.
	Paths []string `json:"paths"`
	// Kernel are arguments that must be on the kernel's command line. The
	// images that the reader's vendor makes for it have them, unless Steps
	// say how they get there.
	Kernel []string `json:"kernel,omitempty"`
	// MaxSize is the most that the reader takes of the first file, in bytes;
	// 0 where it has no limit.
	MaxSize int `json:"maxSize,omitempty"`
	// NeedsNetwork readers bring the network up before they have read anything:
	// without DHCP, the kernel's command line must tell them how.
	NeedsNetwork bool `json:"needsNetwork"`
	// NamedCard targets carry a static address only for an interface that the
	// spec names.
	NamedCard bool `json:"namedCard"`
	// Stick tells whether one medium can be for many machines.
	Stick bool `json:"stick"`
	// Refuses tells, by system, why its images would ignore the target and
	// which one they read.
	Refuses map[string]string `json:"refuses,omitempty"`
	// Steps is what a person does with the files, a template for stepsData.
	Steps string `json:"steps"`

	// anyCase readers find the label in upper case too.
	anyCase bool
	// required is how many of Paths must be there; 1 unless set.
	required int
	// beside gives what lies beside the first file: path → content.
	beside func(m Machine) (map[string][]byte, error)
	// encode turns the configuration into the form of the first file.
	encode func(config []byte) ([]byte, error)
}

// FindTarget returns a row of the table, or an error that lists its names.
func FindTarget(name string) (Target, error) {
	var names []string
	for _, t := range Targets() {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return Target{}, fmt.Errorf("target %q: kbm knows %s", name, strings.Join(names, ", "))
}

// refusal says why a system would not read the target, and what it does read;
// both are empty where it reads it.
func (t Target) refusal(system cluster.OS) (wrong, right string) {
	if slices.Contains(t.OSes, system.Name) {
		return "", ""
	}
	if why, ok := t.Refuses[system.Name]; ok {
		wrong, right, _ = strings.Cut(why, "; ")
		return wrong, right
	}
	wrong = fmt.Sprintf("would be ignored: %s has no %s", system.Name, t.Reader)
	return wrong, "write one of " + strings.Join(targetsOf(system.Name), ", ")
}

// targetsOf are the names of the targets that a system reads.
func targetsOf(system string) []string {
	var names []string
	for _, t := range Targets() {
		if slices.Contains(t.OSes, system) {
			names = append(names, t.Name)
		}
	}
	return names
}

// CheckTargets finds every machine whose system would not read what it is to
// be started from: such a machine boots, and stays as it was.
func CheckTargets(c *cluster.Cluster) cluster.Faults {
	faults := cluster.Faults{}
	check := func(file, media string, system cluster.OS) {
		t, err := FindTarget(media)
		if err != nil || system.Name == "" {
			return // a fault that the spec has by itself
		}
		if wrong, right := t.refusal(system); wrong != "" {
			faults = append(faults, cluster.Fault{File: file, Path: "media", Value: media, Wrong: wrong, Right: right})
		}
	}
	whole := c.WithDefaults()
	if c.Media != "" {
		system, _ := cluster.FindOS(whole.OS)
		check(cluster.File, c.Media, system)
	}
	for i := range whole.Nodes {
		n := &whole.Nodes[i]
		file := cmp.Or(n.Source, cluster.NodeFile(n.Name))
		if n.Media != "" {
			check(file, n.Media, whole.OSOf(n))
		}
		net := NetworkOf(c, n)
		if t, err := FindTarget(whole.MediaOf(n)); err == nil && t.NamedCard && net != nil && !net.namesCard() {
			faults = append(faults, cluster.Fault{
				File: file, Path: "interface", Value: n.Interface, Wrong: "is not the name of one interface, and " + t.Name + " carries no address without",
				Right: "write interface or mac, or media: nocloud",
			})
		}
	}
	faults.Sort()
	return faults
}
