package ui

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
)

// live redraws one line a subject in place.
type live struct {
	out      io.Writer
	terminal Terminal
	style    Style
	glyphs   glyphs

	subjects []*subject // in order of appearance
	warnings []string   // to be written above the lines, to stay
	drawn    int        // lines on the screen now
	frame    int        // moves the spinner
}

func newLive(out io.Writer, t Terminal) *live {
	return &live{out: out, terminal: t, style: t.Style(), glyphs: glyphsFor(t)}
}

func (l *live) event(s *subject, e Event, now time.Time) {
	if s.since.IsZero() {
		l.subjects = append(l.subjects, s)
	}
	s.see(e, now)
	if e.State == Warned {
		l.warnings = append(l.warnings, sentence(s.name, sentence(e.Step, e.Detail)))
	}
}

// draw brings the lines up to date in one write, so that nothing flickers.
// Long lines are cut: one that wraps would spoil the count of lines to go up.
func (l *live) draw(now time.Time) {
	columns, rows := l.terminal.Size()
	l.show(l.visible(max(rows-2, 1)), columns, now)
	l.frame++
}

// close leaves every subject's last line on the screen, with the time that
// all its steps took.
func (l *live) close(now time.Time) {
	columns, _ := l.terminal.Size()
	for _, s := range l.subjects {
		s.step = s.since
	}
	l.show(l.subjects, columns, now)
	l.drawn = 0
}

func (l *live) show(subjects []*subject, columns int, now time.Time) {
	var b strings.Builder
	l.up(&b)
	for _, warning := range l.warnings {
		b.WriteString(l.style.Warn(l.glyphs.warned+" "+warning) + "\x1b[K\n")
	}
	l.warnings = nil
	width := 0
	for _, s := range subjects {
		width = max(width, runewidth.StringWidth(s.name))
	}
	for _, s := range subjects {
		b.WriteString(l.line(s, min(width, max(columns/4, 8)), columns, now) + "\x1b[K\n")
	}
	l.drawn = len(subjects)
	if rest := len(l.subjects) - len(subjects); rest > 0 {
		b.WriteString(l.style.Dim(l.cut(fmt.Sprintf("  and %d more", rest), columns-1)) + "\x1b[K\n")
		l.drawn++
	}
	b.WriteString("\x1b[J")
	_, _ = io.WriteString(l.out, b.String())
}

// erase takes the lines off the screen.
func (l *live) erase() {
	var b strings.Builder
	l.up(&b)
	b.WriteString("\x1b[J")
	l.drawn = 0
	_, _ = io.WriteString(l.out, b.String())
}

func (l *live) up(b *strings.Builder) {
	if l.drawn > 0 {
		fmt.Fprintf(b, "\r\x1b[%dA", l.drawn)
	}
}

// visible picks what fits the screen: failures first, then what is under way.
func (l *live) visible(rows int) []*subject {
	if len(l.subjects) <= rows {
		return l.subjects
	}
	rank := func(s *subject) int {
		switch {
		case s.last.State == Failed:
			return 0
		case s.last.State.ended():
			return 2
		}
		return 1
	}
	picked := slices.Clone(l.subjects)
	slices.SortStableFunc(picked, func(a, b *subject) int { return rank(a) - rank(b) })
	return picked[:rows]
}

func (l *live) line(s *subject, width, columns int, now time.Time) string {
	mark, paint := l.mark(s.last.State)
	name := runewidth.FillRight(l.cut(s.name, width), width)
	took := fmt.Sprintf("%6s", duration(s.took(now)))
	text := sentence(s.last.Step, s.last.Detail)
	if !s.last.State.ended() {
		text = sentence(text, amount(s.last.Done, s.last.Total))
	}
	// The last column stays free: some terminals wrap as soon as it is filled.
	room := columns - 1 - runewidth.StringWidth(mark+" "+name+"  "+took+"  ")
	return paint(mark) + " " + l.style.Bold(name) + "  " + l.style.Dim(took) + "  " + l.cut(text, max(room, 0))
}

func (l *live) mark(state State) (string, func(string) string) {
	switch state {
	case Done:
		return l.glyphs.done, l.style.Good
	case Warned:
		return l.glyphs.warned, l.style.Warn
	case Failed:
		return l.glyphs.fail, l.style.Bad
	case Waiting:
		return l.glyphs.waiting, l.style.Warn
	}
	return l.glyphs.spinner[l.frame%len(l.glyphs.spinner)], l.style.Bold
}

func (l *live) cut(text string, width int) string {
	return runewidth.Truncate(text, width, l.glyphs.cut)
}
