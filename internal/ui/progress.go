package ui

import (
	"io"
	"sync"
	"time"
)

// Options are what a Progress needs of the world.
type Options struct {
	Out  io.Writer
	Mode Mode
	// Terminal is what Out can do; it matters to the live mode only.
	Terminal Terminal
	Now      func() time.Time
	// Redraw is how often the live mode draws: at 0 it draws at every event.
	Redraw time.Duration
}

// Progress shows the progress of many subjects at once. It may be used from
// many goroutines.
type Progress struct {
	mu       sync.Mutex
	out      *errWriter
	now      func() time.Time
	view     view
	byName   map[string]*subject
	eachDraw bool // draw at every event
	paused   bool
	once     sync.Once
	stop     chan struct{}
	stopped  sync.WaitGroup
}

// view is one mode of showing progress. Its methods are called one at a time.
type view interface {
	event(s *subject, e Event, now time.Time)
	draw(now time.Time)  // bring the screen up to date
	close(now time.Time) // say what is left to say
}

// NewProgress starts to show progress; Close it.
func NewProgress(o Options) *Progress {
	p := &Progress{
		out:      &errWriter{w: o.Out},
		now:      o.Now,
		byName:   map[string]*subject{},
		eachDraw: o.Redraw == 0,
		stop:     make(chan struct{}),
	}
	switch o.Mode {
	case Live:
		p.view = newLive(p.out, o.Terminal)
		if o.Redraw > 0 {
			p.stopped.Add(1)
			go p.redraw(o.Redraw)
		}
	case JSON:
		p.view = newLines(p.out)
	case Quiet:
		p.view = quiet{}
	default:
		p.view = newPlain(p.out)
	}
	return p
}

// Update tells that something happened.
func (p *Progress) Update(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.Subject, e.Step, e.Detail = clean(e.Subject), clean(e.Step), clean(e.Detail)
	now := p.now()
	s := p.byName[e.Subject]
	if s == nil {
		s = &subject{name: e.Subject}
		p.byName[e.Subject] = s
	}
	p.view.event(s, e, now)
	if p.eachDraw && !p.paused {
		p.view.draw(now)
	}
}

// Pause takes the live lines off the screen while ask talks to the user, and
// brings them back after it.
func (p *Progress) Pause(ask func() error) error {
	p.hold(true)
	defer p.hold(false)
	return ask()
}

func (p *Progress) hold(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = on
	l, isLive := p.view.(*live)
	switch {
	case on && isLive:
		l.erase()
	case isLive:
		l.draw(p.now())
	}
}

// Close draws for the last time and leaves the terminal as it was. It returns
// the first error met in writing.
func (p *Progress) Close() error {
	p.once.Do(func() {
		close(p.stop)
		p.stopped.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.view.close(p.now())
	})
	return p.out.err
}

func (p *Progress) redraw(every time.Duration) {
	defer p.stopped.Done()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
			p.mu.Lock()
			if !p.paused {
				p.view.draw(p.now())
			}
			p.mu.Unlock()
		}
	}
}

// errWriter keeps the first error, so that those who print need not ask.
type errWriter struct {
	w   io.Writer
	err error
}

func (w *errWriter) Write(b []byte) (int, error) {
	if w.err == nil {
		_, w.err = w.w.Write(b)
	}
	return len(b), nil
}
