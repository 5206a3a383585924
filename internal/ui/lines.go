package ui

import (
	"encoding/json"
	"io"
	"time"
)

// linesPause is the least time between two lines about the bytes of one step.
const linesPause = time.Second

// lines writes an event a line, for machines; the same one only once.
type lines struct{ enc *json.Encoder }

// line is the form of an event. Fields may be added, none will change.
type line struct {
	Time    string `json:"time"` // RFC 3339, UTC, milliseconds
	Subject string `json:"subject,omitempty"`
	Step    string `json:"step,omitempty"`
	State   State  `json:"state"`
	Detail  string `json:"detail,omitempty"`
	Done    int64  `json:"done,omitempty"`  // bytes
	Total   int64  `json:"total,omitempty"` // bytes
}

func newLines(out io.Writer) *lines {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return &lines{enc: enc}
}

func (l *lines) event(s *subject, e Event, now time.Time) {
	transfer := e.State == Working && s.last.State == Working && e.Step == s.last.Step && e.Done != e.Total
	if e == s.last || transfer && now.Sub(s.changed) < linesPause {
		return
	}
	s.see(e, now)
	_ = l.enc.Encode(line{
		Time:    now.UTC().Format("2006-01-02T15:04:05.000Z"),
		Subject: e.Subject, Step: e.Step, State: e.State, Detail: e.Detail,
		Done: e.Done, Total: e.Total,
	}) // the writer keeps the error
}

func (l *lines) draw(time.Time)  {}
func (l *lines) close(time.Time) {}

// quiet says nothing: errors are printed by those who return them.
type quiet struct{}

func (quiet) event(*subject, Event, time.Time) {}
func (quiet) draw(time.Time)                   {}
func (quiet) close(time.Time)                  {}
