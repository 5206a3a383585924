package cmd

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/external"
)

// zoneForm has flags for a whole zone.
func zoneForm(a *app, c *cobra.Command) func(external.List, []byte) ([]byte, error) {
	var (
		z      external.Zone
		server string
	)
	c.Flags().StringVar(&z.Origin, "origin", "", "make a whole zone of this name, with the names inside of it")
	c.Flags().StringVar(&server, "ns", "", "the name server of the zone, NAME or NAME=ADDRESS")
	c.Flags().Uint32Var(&z.Serial, "serial", 0, "serial of the zone (default the time in seconds)")
	return func(l external.List, old []byte) ([]byte, error) {
		if z.Origin == "" {
			if server != "" || z.Serial != 0 {
				return nil, errors.New("--ns and --serial are for a whole zone; name it with --origin")
			}
			text, _, err := l.Zone(z)
			return text, err
		}
		if err := readServer(&z, server); err != nil {
			return nil, err
		}
		if z.Serial == 0 {
			var err error
			if z.Serial, err = l.NextSerial(z, old, time.Now()); err != nil {
				return nil, err
			}
		}
		text, outside, err := l.Zone(z)
		for _, n := range outside {
			a.note("left out: %s is not in %s", n.Name, z.Origin)
		}
		return text, err
	}
}

func readServer(z *external.Zone, server string) error {
	if server == "" {
		return errors.New("a zone needs its name server: --ns NAME, or --ns NAME=ADDRESS where the name is inside the zone")
	}
	if name, address, err := pair("ns", server, "NAME=ADDRESS"); err == nil {
		z.Server, z.Addresses = name, []string{address}
		return nil
	}
	z.Server = server
	return nil
}
