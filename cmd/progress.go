package cmd

import (
	"os"
	"time"

	"github.com/kbm-dev/kbm/internal/ui"
	"github.com/kbm-dev/kbm/provision"
)

const (
	outputText = "text"
	outputJSON = "json"
	redraw     = 100 * time.Millisecond
)

// progress shows what happens: live on a terminal, plain lines in a log, events
// with -o json. People's progress goes to stderr, so that stdout can be piped.
func (a *app) progress() *ui.Progress {
	terminal := ui.Detect(a.err, os.Getenv)
	o := ui.Options{Out: a.err, Mode: ui.Plain, Terminal: terminal, Now: time.Now, Redraw: redraw}
	switch {
	case a.quiet:
		o.Mode = ui.Quiet
	case a.output == outputJSON:
		o.Mode, o.Out = ui.JSON, a.out
	case terminal.Interactive:
		o.Mode = ui.Live
	}
	return ui.NewProgress(o)
}

// silent is for commands whose answer is a table and takes no time.
func (a *app) silent() *ui.Progress {
	return ui.NewProgress(ui.Options{Out: a.err, Mode: ui.Quiet, Now: time.Now})
}

// reporter passes provision's events to the screen.
type reporter struct{ to *ui.Progress }

var _ provision.Reporter = reporter{}

func (r reporter) Report(e provision.Event) {
	subject := e.Node
	if subject == "" {
		subject = "cluster"
	}
	r.to.Update(ui.Event{
		Subject: subject, Step: e.Step, State: uiState(e.State), Detail: e.Detail, Done: e.Bytes, Total: e.Total,
	})
}

func uiState(s provision.State) ui.State {
	switch s {
	case provision.Started:
		return ui.Started
	case provision.Working:
		return ui.Working
	case provision.Waiting:
		return ui.Waiting
	case provision.Warned:
		return ui.Warned
	}
	return ui.Done
}
