package ignition

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/kbm-dev/kbm/pki"
	"github.com/kbm-dev/kbm/templates"
)

// What a machine does once, at its first boot, where no kbm comes, lies in one
// folder and is removed by itself: then the machine is as kbm up would have
// made it. Only media have it.
const firstBootDir = "/var/lib/kbm/first-boot"

// carriedFile says of each artefact on the medium what it has to be. It is a part
// of the configuration: so what the medium's files are compared with comes from
// where all the rest does.
const carriedFile = firstBootDir + "/carried"

// FirstBoot is what a controller brings to the API of a new cluster by itself.
type FirstBoot struct {
	// Admin may do everything.
	Admin pki.Pair
	// Objects are those of the addons without which no node is Ready, and
	// Inventory is kbm's record of them: YAML for kubectl apply.
	Objects, Inventory []byte
	// Nodes are patches of the nodes' objects, by name.
	Nodes map[string][]byte
}

// Begin gives the Machine of a controller, which Build made of the same input,
// what begins the cluster.
func (f FirstBoot) Begin(in Input, m Machine) (Machine, error) {
	b := newBuilder(in)
	b.m = m
	b.m.Files = slices.Clone(m.Files)
	b.dir(Dir{Path: firstBootDir, Mode: 0o700, Stage: Joined})
	add := func(name string, content []byte, secret bool) {
		b.file(File{Path: firstBootDir + "/" + name, Mode: 0o600, Content: content, Secret: secret, Stage: Joined})
	}
	add("begin", b.render("var/lib/kbm/first-boot/begin", b.data), false)
	add("objects.yaml", f.Objects, false)
	add("inventory.yaml", f.Inventory, false)
	for _, name := range slices.Sorted(maps.Keys(f.Nodes)) {
		add("nodes/"+name+".json", f.Nodes[name], false)
	}
	add("admin.crt", f.Admin.Cert, false)
	add("admin.key", f.Admin.Key, true)
	add("admin.conf", b.render("etc/kubernetes/kubeconfig", b.with(map[string]any{
		"Server": b.localAPI(), "User": "admin", "Dir": firstBootDir,
	})), false)
	b.unit(Unit{
		Name: "kbm-begin.service", Enabled: true, Stage: Joined,
		Content: string(b.render("etc/systemd/system/kbm-begin.service", b.data)),
	})
	if b.err != nil {
		return m, fmt.Errorf("node %s: %w", in.Node.Name, b.err)
	}
	return b.m, nil
}

// takeFrom gives a Machine what takes its artefacts from a volume.
func takeFrom(m Machine, label string) (Machine, error) {
	script, err := templates.Render("var/lib/kbm/first-boot/take", map[string]any{"Label": label})
	if err != nil {
		return m, err
	}
	unit, err := templates.Render("etc/systemd/system/kbm-medium.service", nil)
	if err != nil {
		return m, err
	}
	var list bytes.Buffer
	for _, f := range m.Files {
		if f.Artefact != nil {
			fmt.Fprintf(&list, "%s %s %04o %s\n", f.Artefact.SHA256, carriedName(f.Artefact.SHA256), f.Mode, f.Path)
		}
	}
	m.Files = append(slices.Clone(m.Files),
		File{Path: firstBootDir + "/take", Mode: 0o600, Content: script},
		File{Path: carriedFile, Mode: 0o600, Content: list.Bytes()},
	)
	// It is started before what waits for it.
	m.Units = append([]Unit{{Name: "kbm-medium.service", Content: string(unit), Enabled: true}}, m.Units...)
	return m, nil
}
