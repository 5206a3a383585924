package provision

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"slices"
	"time"

	"github.com/kbm-dev/kbm/ignition"
)

//go:embed scripts
var scripts embed.FS

// script returns one of the embedded shell scripts, after its arguments.
func script(name string, args ...string) (string, error) {
	body, err := scripts.ReadFile("scripts/" + name)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	b.WriteString("set --")
	for _, a := range args {
		b.WriteString(" " + quote(a))
	}
	b.WriteString("\n")
	b.Write(body)
	return b.String(), nil
}

// Gather asks the machine for everything that the comparison with m needs, in
// one round trip. now is this computer's clock, to measure the machine's by.
func Gather(ctx context.Context, host Host, m ignition.Machine, now func() time.Time) (Facts, error) {
	list, err := items(m)
	if err != nil {
		return Facts{}, err
	}
	text, err := script("gather.sh")
	if err != nil {
		return Facts{}, err
	}
	dirs := diskFolders(list)
	before := now()
	res, err := host.Run(ctx, Command{Script: text, Stdin: questions(m, list, dirs)})
	if err != nil {
		return Facts{}, fmt.Errorf("gather facts of %s: %w", m.Name, err)
	}
	facts, err := parseFacts(res.Stdout, dirs)
	if err != nil {
		return Facts{}, fmt.Errorf("gather facts of %s: %w", m.Name, err)
	}
	facts.Node = m.Name
	facts.measureClock(before, now())
	return facts, nil
}

func questions(m ignition.Machine, list []item, dirs []string) *bytes.Buffer {
	var b bytes.Buffer
	for _, it := range list {
		// With the slash, a link to a folder counts as the folder: on some
		// systems /opt and /usr/local are links.
		slash := ""
		if it.typ == Directory {
			slash = "/"
		}
		fmt.Fprintf(&b, "p %s%s\n", it.path, slash)
		if it.until != "" {
			fmt.Fprintf(&b, "p %s\n", it.until)
		}
	}
	for _, u := range unitNames(m) {
		fmt.Fprintf(&b, "u %s\n", u)
	}
	for _, d := range dirs {
		fmt.Fprintf(&b, "d %s\n", d)
	}
	for _, t := range neededTools() {
		fmt.Fprintf(&b, "t %s\n", t)
	}
	return &b
}

// unitNames are the units of the Machine, in its order, and then every other
// unit that one of its files restarts.
func unitNames(m ignition.Machine) []string {
	var own, other []string
	for _, u := range m.Units {
		own = append(own, u.Name)
	}
	for _, u := range m.Units {
		other = append(other, u.Restarts...)
	}
	for _, f := range m.Files {
		other = append(other, f.Restarts...)
	}
	slices.Sort(other)
	for _, name := range slices.Compact(other) {
		if !slices.Contains(own, name) {
			own = append(own, name)
		}
	}
	return own
}

// neededTools are what kbm's own scripts and the node's components call.
func neededTools() []string {
	return []string{"tar", "sha256sum", "flock", "systemctl", "journalctl", "ip", "nft", "mount", "sync"}
}

func diskFolders(list []item) []string {
	dirs := append(folders(list), "/var", stateDir)
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// measureClock compares the machine's clock, which is in ClockOffset as read,
// with the middle of the round trip.
func (f *Facts) measureClock(before, after time.Time) {
	read := time.Unix(0, int64(f.ClockOffset))
	half := after.Sub(before) / 2
	f.ClockOffset, f.ClockError = read.Sub(before.Add(half)), half
}
