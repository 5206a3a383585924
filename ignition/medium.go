package ignition

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/kbm-dev/kbm/cluster"
)

// Medium is one way to hand a machine its configuration: a volume with a label
// and paths that some reader looks for.
type Medium struct {
	Name  string
	Label string // in the case that every reader takes
	// Formats are those that a reader of this medium understands.
	Formats []cluster.Format
	// files are what is on it besides the payload: path → content.
	files func(m Machine) (map[string][]byte, error)
	// payload is the path of the encoded Machine.
	payload string
}

// Media is the table of media; adding one is one row.
func Media() []Medium {
	both := []cluster.Format{cluster.Ignition, cluster.CloudConfig}
	return []Medium{
		{ // Ignition on openstack, nutanix and powervs; cloud-init's ConfigDrive
			Name: "config-2", Label: "config-2", Formats: both,
			payload: "openstack/latest/user_data", files: configDrive,
		},
		{ // cloud-init's NoCloud; Ignition on proxmoxve and kubevirt, or wherever ignition.config.device names it
			Name: "cidata", Label: "cidata", Formats: both,
			payload: "user-data", files: noCloud,
		},
	}
}

// defaultMedium is what a system's own images look for.
func defaultMedium(system cluster.OS) string {
	if system.Format == cluster.CloudConfig {
		return "cidata"
	}
	return "config-2"
}

// findMedium returns a row of the table, or an error that lists its names.
func findMedium(name string) (Medium, error) {
	var names []string
	for _, m := range Media() {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Medium{}, fmt.Errorf("medium %q: kbm makes %s", name, strings.Join(names, " and "))
}

// contents are the files of the medium, the encoded Machine among them.
func (d Medium) contents(m Machine, system cluster.OS, encoded []byte) (map[string][]byte, error) {
	if !slices.Contains(d.Formats, system.Format) {
		return nil, fmt.Errorf("medium %s: nothing reads %s from it", d.Name, system.Format)
	}
	files, err := d.files(m)
	if err != nil {
		return nil, fmt.Errorf("medium %s: %w", d.Name, err)
	}
	files[d.payload] = encoded
	return files, nil
}

// machineID tells cloud-init whether it has seen this machine: the same node
// keeps its identity when its medium is rendered again.
func machineID(name string) string {
	return uuid.NewSHA1(uuid.NameSpaceDNS, []byte(name+".kbm.invalid")).String()
}
