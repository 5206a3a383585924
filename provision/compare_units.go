package provision

import (
	"maps"
	"slices"

	"github.com/kbm-dev/kbm/ignition"
)

// enablement compares what starts at boot. Units that systemd cannot enable
// (static, generated, an alias, …) are as good as enabled.
func (c *comparison) enablement(m ignition.Machine) {
	for _, u := range m.Units {
		state := c.facts.Units[u.Name].Enabled
		off := slices.Contains([]string{"", "disabled", "masked", "masked-runtime", "enabled-runtime", "bad"}, state)
		switch {
		case u.Enabled && off:
			c.plan.enable = append(c.plan.enable, u.Name)
			reason := "does not start at boot"
			if state == "masked" || state == "masked-runtime" {
				reason = "is masked"
				c.plan.unmask = append(c.plan.unmask, u.Name)
			}
			c.plan.add(Change{Action: Enable, Object: u.Name, Reason: reason})
		case !u.Enabled && u.Content != "" && state == "enabled":
			c.plan.disable = append(c.plan.disable, u.Name)
			c.plan.add(Change{Action: Disable, Object: u.Name, Reason: "starts at boot"})
		}
	}
}

// unitActions decides what is started and restarted, each unit once.
func (c *comparison) unitActions(m ignition.Machine) {
	for _, state := range c.facts.Units {
		c.plan.reload = c.plan.reload || state.NeedReload
	}
	for _, unit := range c.facts.Pending {
		if c.restarts[unit] == "" {
			c.restarts[unit] = "an interrupted run has changed its files"
		}
	}
	own := map[string]ignition.Unit{}
	for _, u := range m.Units {
		own[u.Name] = u
	}
	for _, name := range unitNames(m) {
		u, mine := own[name]
		reason, changed := c.restarts[name]
		running := c.facts.Units[name].Running()
		switch {
		case changed && (running || !mine && c.facts.Units[name].Load == "loaded"):
			c.unit(Restart, name, reason)
		case u.Started && !running:
			c.unit(Start, name, "is not running")
		}
		delete(c.restarts, name)
	}
	// What is left belongs to files that the spec no longer has.
	for _, name := range sortedKeys(c.restarts) {
		if !slices.Contains(c.plan.remove, unitDir+"/"+name) {
			c.unit(Restart, name, c.restarts[name])
		}
	}
}

func (c *comparison) unit(action Action, name, reason string) {
	c.plan.units = append(c.plan.units, unitAction{action: action, unit: name})
	c.plan.add(Change{Action: action, Object: name, Reason: reason})
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
