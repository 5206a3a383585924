package cmd

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/addons"
	"github.com/kbm-dev/kbm/internal/ui"
)

// listedAddon is an addon as -o json shows it.
type listedAddon struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	On          bool     `json:"on"`
	Optional    bool     `json:"optional"`
	Objects     int      `json:"objects"`
	Images      []string `json:"images"`
}

func newAddonsListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List all addons, on or off, in order of need",
		Example: `  kbm addons list -o json`,
		Args:    exactly(0, "kbm addons list takes no argument; kbm addons explain NAME tells of one"),
		RunE:    func(*cobra.Command, []string) error { return a.listAddons() },
	}
}

func (a *app) listAddons() error {
	on, err := a.addons(nil)
	if err != nil {
		return err
	}
	entries, err := addons.Catalog()
	if err != nil {
		return err
	}
	listed, rows := []listedAddon{}, [][]string{}
	for _, e := range entries {
		l := listedAddon{Name: e.Name, Description: e.Description, Optional: e.Optional, Images: []string{}}
		row := []string{e.Name, "off", "", "", e.Description}
		if i := slices.IndexFunc(on, func(addon addons.Addon) bool { return addon.Name == e.Name }); i >= 0 {
			l.On, l.Objects, l.Images = true, len(on[i].Objects), on[i].Images()
			row = []string{e.Name, "on", strconv.Itoa(l.Objects), strings.Join(l.Images, " "), e.Description}
		}
		listed, rows = append(listed, l), append(rows, row)
	}
	if a.isJSON() {
		return a.answer(listed)
	}
	return ui.Table(a.out, []string{"NAME", "STATE", "OBJECTS", "IMAGES", "WHAT IT IS"}, rows)
}
