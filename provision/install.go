package provision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Visit is a connection to a machine that is closed again: while a system is
// installed, two of them answer at one machine, one after the other.
type Visit interface {
	Run(ctx context.Context, cmd Command) (Result, error)
	io.Closer
}

// Installation writes a node's system to a disk of its machine, from a live or
// rescue system that runs on it.
type Installation struct {
	Node string
	// Device is the whole disk, /dev/….
	Device string
	// Arch is what the node shall run, in Go's spelling.
	Arch      string
	Installer Installer
	// Config is the Ignition configuration. It holds the node's SSH host key.
	Config []byte
	// KernelArgs are added to those of the installed system.
	KernelArgs []string
	// Live reaches the live system, and Installed only one that shows the
	// node's own SSH host key.
	Live, Installed func(ctx context.Context) (Visit, error)
	Report          Reporter
	// Timeout is how long the installed system may take to answer, and Interval
	// the pause between two questions.
	Timeout, Interval time.Duration
}

// Site is a disk that may be written, and the system that is to write it.
type Site struct {
	Disk WholeDisk
	boot string // the boot ID of the live system
}

// RefusedError is a machine or a disk to which nothing is written.
type RefusedError struct {
	Node string
	What string
	Cure string
}

func (e *RefusedError) Error() string { return e.Node + ": " + e.What + "; " + e.Cure }

// The steps of an installation, as people and programs read them.
const (
	stepLook    = "look at the disk"
	stepInstall = "install"
	stepReboot  = "reboot"
	stepAwait   = "wait for the installed system"
)

// Look finds out what is on the disk, and refuses one that must not or cannot
// be written: with a *RefusedError. Nothing is changed.
func (i Installation) Look(ctx context.Context, host Visit) (Site, error) {
	i.tell(stepLook, Started, "")
	s, err := i.gather(ctx, host)
	if err != nil {
		return Site{}, err
	}
	disk, err := i.judge(s)
	if err != nil {
		return Site{}, err
	}
	i.tell(stepLook, Done, disk.String())
	return Site{Disk: disk, boot: s.boot}, nil
}

// Write runs the installer and starts the machine anew. A person may have taken
// long to say yes, so the disk is looked at once more before.
func (i Installation) Write(ctx context.Context, host Visit, site Site) error {
	s, err := i.gather(ctx, host)
	if err != nil {
		return err
	}
	disk, err := i.judge(s)
	if err != nil {
		return err
	}
	if s.boot != site.boot || !disk.is(site.Disk) || disk.Size != site.Disk.Size {
		return &RefusedError{Node: i.Node, What: i.Device + " is no longer the disk that was shown", Cure: "run again, and look at what is there now"}
	}
	if err := i.write(ctx, host, disk.Path); err != nil {
		return err
	}
	i.tell(stepReboot, Started, "")
	if _, err := host.Run(ctx, Command{Script: rebootScript}); err != nil {
		return fmt.Errorf("%s is installed on %s, but the machine was not started anew: %w", i.Node, i.Device, err)
	}
	i.tell(stepReboot, Done, "")
	return nil
}

// rebootScript lets the session end before the machine goes down.
const rebootScript = `command -v systemctl reboot >/dev/null || { echo "there is no reboot" >&2; exit 1; }
setsid sh -c 'sleep 1; systemctl reboot || reboot' </dev/null >/dev/null 2>&1 &`

func (i Installation) write(ctx context.Context, host Visit, device string) error {
	args := append([]string{strconv.Itoa(len(i.Config)), i.Installer.Program}, i.Installer.args(device, i.KernelArgs)...)
	text, err := script("install-run.sh", args...)
	if err != nil {
		return err
	}
	i.tell(stepInstall, Started, "")
	lines := &installLog{tell: func(line string) { i.tell(stepInstall, Working, line) }}
	// The machine takes the end of the input for the end of kbm.
	waiting, over := io.Pipe()
	defer func() { _ = over.Close() }()
	_, err = host.Run(ctx, Command{Script: text, Stdin: io.MultiReader(bytes.NewReader(i.Config), waiting), Stdout: lines})
	said := lines.end()
	var run *RunError
	switch {
	case err == nil:
		i.tell(stepInstall, Done, "")
		return nil
	case errors.As(err, &run):
		if complaint := strings.TrimSpace(run.Stderr); complaint != "" {
			said = append(said, complaint)
		}
		return fmt.Errorf("%s: %s ended with code %d, and the machine was not started anew: what is on %s is not complete; its last lines:\n  %s",
			i.Node, i.Installer.Program, run.ExitCode, i.Device, strings.Join(said, "\n  "))
	}
	return fmt.Errorf("%s: %s was ended, and what is on %s is not complete: run again: %w", i.Node, i.Installer.Program, i.Device, err)
}

// Line is what would be run, for people.
func (i Installation) Line(site Site) string {
	return i.Installer.Program + " " + strings.Join(i.Installer.args(site.Disk.Path, i.KernelArgs), " ")
}

func (i Installation) tell(step string, state State, detail string) {
	i.Report.Report(Event{Node: i.Node, Step: step, State: state, Detail: detail})
}

// installLog cuts what an installer prints into lines, and keeps the last ones.
// Bars that are drawn anew count as lines.
type installLog struct {
	tell func(line string)
	part []byte
	last []string
}

// keptLines is how much of an installer's output a message shows.
const keptLines = 12

func (l *installLog) Write(p []byte) (int, error) {
	for _, c := range p {
		if c == '\n' || c == '\r' {
			l.end()
		} else {
			l.part = append(l.part, c)
		}
	}
	return len(p), nil
}

// end ends a line, and returns the last ones.
func (l *installLog) end() []string {
	if line := printable(string(l.part)); line != "" {
		l.last = append(l.last, line)
		l.last = l.last[max(0, len(l.last)-keptLines):]
		l.tell(line)
	}
	l.part = l.part[:0]
	return l.last
}
