package ui

import (
	"fmt"
	"io"
	"time"
)

// plainPause is the least time between two lines about one unfinished step:
// a log shows that something is alive, and is never flooded.
const plainPause = 15 * time.Second

// plain writes for logs: a line when a step ends, or when what it waits for
// changes.
type plain struct {
	out  io.Writer
	said map[string]saying // by subject
}

// saying is the last line about a subject's unfinished step.
type saying struct {
	text string
	at   time.Time
}

func newPlain(out io.Writer) *plain { return &plain{out: out, said: map[string]saying{}} }

func (p *plain) event(s *subject, e Event, now time.Time) {
	newStep := s.last.Step != e.Step || e.State == Started
	s.see(e, now)
	if newStep {
		p.said[s.name] = saying{at: now}
	}
	switch e.State {
	case Done:
		p.say(s, sentence(e.Step, e.Detail), s.took(now))
	case Warned:
		p.say(s, "warning: "+sentence(e.Step, e.Detail), s.took(now))
	case Failed:
		p.say(s, "failed: "+sentence(e.Step, e.Detail), s.took(now))
	default:
		p.underway(s, e, now)
	}
}

// underway speaks of a step that has not ended. The first reason for waiting
// is told at once, later ones after a pause.
func (p *plain) underway(s *subject, e Event, now time.Time) {
	last := p.said[s.name]
	quietEnough := now.Sub(last.at) >= plainPause
	text := sentence(e.Step, e.Detail)
	switch {
	case e.State == Waiting && (last.text == "" || text != last.text && quietEnough):
		p.say(s, text, 0)
	case e.State == Working && quietEnough:
		if amount := amount(e.Done, e.Total); amount != "" {
			text = sentence(text, amount)
		}
		p.say(s, text, s.took(now))
	default:
		return
	}
	p.said[s.name] = saying{text: text, at: now}
}

func (p *plain) say(s *subject, text string, took time.Duration) {
	line := sentence(s.name, text)
	if took > 0 {
		line += " (" + duration(took) + ")"
	}
	_, _ = fmt.Fprintln(p.out, line)
}

func (p *plain) draw(time.Time)  {}
func (p *plain) close(time.Time) {}
