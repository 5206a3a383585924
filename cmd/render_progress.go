package cmd

import (
	"io"

	"github.com/kbm-dev/kbm/internal/ui"
)

// mediumProgress shows how media of hundreds of megabytes come along. It is nil
// where media are small, and where programs read the answer.
type mediumProgress struct{ to *ui.Progress }

func (e *embedFlags) progress(a *app) *mediumProgress {
	if !e.bundle || a.isJSON() {
		return nil
	}
	return &mediumProgress{a.progress()}
}

// watch counts what is written of a node's medium, of that size in bytes.
func (p *mediumProgress) watch(node string, size int64, w io.Writer) io.Writer {
	if p == nil {
		return w
	}
	return &watched{Writer: w, to: p.to, event: ui.Event{Subject: node, Step: "write the medium", State: ui.Working, Total: size}}
}

func (p *mediumProgress) close() {
	if p != nil {
		_ = p.to.Close() // what could not be shown is no reason to stop
	}
}

// watched tells of every write.
type watched struct {
	io.Writer
	to    *ui.Progress
	event ui.Event
}

func (w *watched) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	if n == 0 {
		return n, err
	}
	if w.event.Done += int64(n); w.event.Done == w.event.Total {
		w.event.State = ui.Done
	}
	w.to.Update(w.event)
	return n, err
}
