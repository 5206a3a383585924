// Package ui is how kbm talks to a person: progress of long work, tables,
// colours and questions. It knows nothing of clusters, so that every part of
// kbm can be shown by it, and it is told about the world (stream, clock,
// environment) so that what it prints can be tested.
package ui

import "time"

// State says how a subject fares with its step.
type State string

// The states. The first three are of a step under way, the others end it.
const (
	Started State = "started"
	Working State = "working" // with Done and Total where they are known
	Waiting State = "waiting" // Detail is the reason
	Done    State = "done"
	Warned  State = "warned" // the step ended, and Detail should be read
	Failed  State = "failed"
)

// ended says whether a state ends its step.
func (s State) ended() bool { return s == Done || s == Warned || s == Failed }

// Event is one thing that happened to one subject.
type Event struct {
	Subject string // a node, a component
	Step    string // what is being done to it
	State   State
	Detail  string // a reason, a result; one line
	// Done and Total are bytes while something is transferred, else 0.
	Done, Total int64
}

// Mode is how progress is shown.
type Mode string

// The modes.
const (
	Live  Mode = "live"  // one line a subject, redrawn in place
	Plain Mode = "plain" // a line when something ends or its reason changes
	JSON  Mode = "json"  // an event a line
	Quiet Mode = "quiet" // nothing
)

// subject is what is known of one subject after its events so far.
type subject struct {
	name    string
	last    Event
	since   time.Time // the first event
	step    time.Time // the start of the step
	changed time.Time // the last event
}

// see takes an event in.
func (s *subject) see(e Event, now time.Time) {
	if s.since.IsZero() {
		s.since = now
	}
	if s.step.IsZero() || e.Step != s.last.Step || e.State == Started {
		s.step = now
	}
	s.last, s.changed = e, now
}

// took is how long the step has run, or ran.
func (s *subject) took(now time.Time) time.Duration {
	if s.last.State.ended() {
		now = s.changed
	}
	return now.Sub(s.step)
}
