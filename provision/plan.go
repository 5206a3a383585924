package provision

import "github.com/kbm-dev/kbm/ignition"

// Action says what a Change does.
type Action string

// The actions, in the order in which they are carried out.
const (
	MakeDir  Action = "dir"
	Create   Action = "create"
	Update   Action = "update"
	SetMode  Action = "mode"
	MakeLink Action = "link"
	Delete   Action = "delete"
	Enable   Action = "enable"
	Disable  Action = "disable"
	Rename   Action = "hostname"
	Restart  Action = "restart"
	Start    Action = "start"
	Promote  Action = "promote"
)

// Change is one thing that kbm does to a machine, as people and programs see it.
type Change struct {
	Action Action `json:"action"`
	// Object is a path, a unit or a host name.
	Object string `json:"object"`
	Reason string `json:"reason"`
	Secret bool   `json:"secret,omitempty"`
	// Bytes is what has to be sent for an artefact.
	Bytes int64 `json:"bytes,omitempty"`
	// Diff is a unified diff, where one was asked for and may be shown.
	Diff string `json:"diff,omitempty"`
}

// NodePlan is everything that has to be done to one machine.
type NodePlan struct {
	Node    string   `json:"node"`
	Changes []Change `json:"changes"`

	write     []item // folders, files and links, without artefacts
	artefacts []item
	modes     []item
	remove    []string
	replaced  []string // static pods that give way to others of their name
	enable    []string
	disable   []string
	unmask    []string
	hostname  string
	reload    bool
	units     []unitAction
	folders   []string // all that the Machine has files in
	keep      Inventory
	union     Inventory
	incoming  map[string]int64
	arrived   map[string]bool
}

type unitAction struct {
	action Action
	unit   string
}

// Empty reports whether nothing is to be done.
func (p *NodePlan) Empty() bool { return len(p.Changes) == 0 }

// Units are the units that the plan starts or restarts, in order.
func (p *NodePlan) Units() []string {
	var names []string
	for _, u := range p.units {
		names = append(names, u.unit)
	}
	return names
}

// unarrived are the artefacts that the machine does not hold verified. Of one
// that was cut just before its end, or before it was verified, no byte is missing.
func (p *NodePlan) unarrived() []*ignition.Artefact {
	var all []*ignition.Artefact
	seen := map[string]bool{}
	for _, it := range p.artefacts {
		if a := it.artefact; !seen[a.SHA256] && !p.arrived[a.SHA256] {
			seen[a.SHA256] = true
			all = append(all, a)
		}
	}
	return all
}

// ArtefactBytes is what still has to be sent for the plan's artefacts.
func (p *NodePlan) ArtefactBytes() int64 {
	var n int64
	for _, a := range p.unarrived() {
		n += p.missing(a)
	}
	return n
}

// missing is how much of an artefact the machine does not have yet, in bytes.
func (p *NodePlan) missing(a *ignition.Artefact) int64 {
	if p.arrived[a.SHA256] {
		return 0
	}
	return a.Size - p.offset(a)
}

// offset is where the sending of an artefact goes on. What has got longer than
// the artefact cannot be a part of it.
func (p *NodePlan) offset(a *ignition.Artefact) int64 {
	if have := p.incoming[a.SHA256]; have <= a.Size {
		return have
	}
	return 0
}

func (p *NodePlan) add(c Change) { p.Changes = append(p.Changes, c) }
