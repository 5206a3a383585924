package cmd

import (
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/ignition"
)

// A medium is of no use where nothing reads it, or where what it brings has
// ended by now.
func TestFaultsOfMedium(t *testing.T) {
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	with := func(ends time.Time) ignition.Found {
		return ignition.Found{Machines: []ignition.FoundMachine{{
			Node: "w1", Certificates: []ignition.FoundCertificate{{Path: "/etc/x.crt"}, {Path: "/etc/y.crt", Expires: ends}},
		}}}
	}
	for want, found := range map[string]ignition.Found{
		"": with(now.AddDate(0, 0, 1)),
		"/etc/y.crt of w1 ended on 2026-11-19; kbm render w1": with(now.AddDate(0, 0, -1)),
		"no machine would read it: why":                       {Ignored: "why"},
	} {
		err := faultsOf("w1.iso", found, now)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
