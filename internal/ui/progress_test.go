package ui

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the goldens")

// clock is a time that moves when it is told to.
type clock struct{ time.Time }

func newClock() *clock {
	return &clock{time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
}
func (c *clock) now() time.Time        { return c.Time }
func (c *clock) after(d time.Duration) { c.Time = c.Add(d) }
func size(columns, rows int) func() (int, int) {
	return func() (int, int) { return columns, rows }
}

// story is what a small cluster goes through, told to a Progress.
func story(p *Progress, c *clock) {
	p.Update(Event{Subject: "cp1", Step: "connect", State: Started})
	p.Update(Event{Subject: "worker1", Step: "connect", State: Started})
	c.after(400 * time.Millisecond)
	p.Update(Event{Subject: "cp1", Step: "connect", State: Done})
	p.Update(Event{Subject: "worker1", Step: "connect", State: Waiting, Detail: "no route to host"})
	for i := range int64(40) { // bytes come often, and must not flood
		c.after(500 * time.Millisecond)
		p.Update(Event{Subject: "cp1", Step: "send images", State: Working, Done: i << 20, Total: 40 << 20})
		p.Update(Event{Subject: "worker1", Step: "connect", State: Waiting, Detail: fmt.Sprint("try ", i/20)})
	}
	p.Update(Event{Subject: "cp1", Step: "send images", State: Done, Detail: "40 MiB"})
	p.Update(Event{Subject: "cp1", Step: "check the clock", State: Warned, Detail: "0.8 s off;\nset up NTP\x1b[2J"})
	p.Update(Event{Subject: "cp1", Step: "ready", State: Done})
	c.after(70 * time.Second)
	p.Update(Event{Subject: "worker1", Step: "connect", State: Failed, Detail: "no route to host"})
}

func TestProgress(t *testing.T) {
	terminal := Terminal{Interactive: true, Unicode: true, Size: size(60, 24)}
	for name, o := range map[string]Options{
		"plain": {Mode: Plain},
		"json":  {Mode: JSON},
		"quiet": {Mode: Quiet},
		"live":  {Mode: Live, Terminal: terminal},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			c := newClock()
			o.Out, o.Now = &out, c.now
			p := NewProgress(o)
			story(p, c)
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
			text := out.String()
			if o.Mode == Live {
				text = screen(t, text)
			}
			golden(t, name, text)
		})
	}
}

// screen plays what was written as a terminal would, and returns what is seen.
func screen(t *testing.T, written string) string {
	t.Helper()
	lines, row := []string{""}, 0
	for written != "" {
		var count int
		switch {
		case strings.HasPrefix(written, "\x1b[K"):
			written = written[3:]
		case strings.HasPrefix(written, "\x1b[J"):
			lines, written = append(lines[:row], ""), written[3:]
		case strings.HasPrefix(written, "\r\x1b["):
			if n, err := fmt.Sscanf(written, "\r\x1b[%dA", &count); n != 1 || err != nil {
				t.Fatalf("not expected: %q", written[:8])
			}
			row -= count
			if row < 0 {
				t.Fatalf("went up %d lines, over the top", count)
			}
			written = written[strings.IndexByte(written, 'A')+1:]
		default:
			end := strings.IndexByte(written, '\n')
			if end < 0 {
				t.Fatalf("a line without an end: %q", written)
			}
			lines[row] = strings.TrimSuffix(written[:end], "\x1b[K")
			if row++; row == len(lines) {
				lines = append(lines, "")
			}
			written = written[end+1:]
		}
	}
	return strings.Join(lines, "\n")
}

func TestLiveFitsTheScreen(t *testing.T) {
	var out bytes.Buffer
	c := newClock()
	columns, rows := 30, 8
	p := NewProgress(Options{Out: &out, Mode: Live, Now: c.now, Terminal: Terminal{
		Interactive: true, Size: func() (int, int) { return columns, rows },
	}})
	for i := range 20 {
		state := Done
		if i == 17 {
			state = Failed
		}
		p.Update(Event{Subject: fmt.Sprintf("node%02d", i), Step: "a step with a name that is rather long", State: state})
	}
	seen := screen(t, out.String())
	golden(t, "live-narrow", seen)
	for line := range strings.Lines(seen) {
		if len(strings.TrimRight(line, "\n")) >= columns {
			t.Errorf("%q fills %d columns", line, columns)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(screen(t, out.String()), "node"); n != 20 {
		t.Errorf("%d of 20 lines stayed at the end", n)
	}
}

func TestPauseClearsTheScreen(t *testing.T) {
	var out bytes.Buffer
	c := newClock()
	p := NewProgress(Options{Out: &out, Mode: Live, Now: c.now, Terminal: Terminal{Interactive: true, Size: size(40, 10)}})
	p.Update(Event{Subject: "cp1", Step: "connect", State: Started})
	wanted := errors.New("from the question")
	err := p.Pause(func() error {
		p.Update(Event{Subject: "w1", Step: "connect", State: Started})
		if seen := strings.TrimSpace(screen(t, out.String())); seen != "" {
			t.Errorf("still on the screen: %q", seen)
		}
		return wanted
	})
	if !errors.Is(err, wanted) {
		t.Errorf("got %v", err)
	}
	if seen := screen(t, out.String()); !strings.Contains(seen, "cp1") || !strings.Contains(seen, "w1") {
		t.Errorf("not back on the screen: %q", seen)
	}
	_ = p.Close()
}

func TestProgressFromManyGoroutines(t *testing.T) {
	for _, mode := range []Mode{Live, Plain, JSON} {
		var out bytes.Buffer
		p := NewProgress(Options{
			Out: &out, Mode: mode, Now: time.Now, Redraw: time.Millisecond,
			Terminal: Terminal{Interactive: true, Size: size(80, 60)},
		})
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				for step := range 50 {
					p.Update(Event{Subject: fmt.Sprint("node", i), Step: fmt.Sprint("step", step), State: Done})
				}
			})
		}
		wg.Wait()
		if err := errors.Join(p.Close(), p.Close()); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(out.String(), "step49"); n < 30 {
			t.Errorf("%s: %d of 30 last steps were shown", mode, n)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestCloseTellsOfABrokenStream(t *testing.T) {
	p := NewProgress(Options{Out: brokenPipe{}, Mode: Plain, Now: time.Now})
	p.Update(Event{Subject: "cp1", Step: "connect", State: Done})
	if err := p.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s\nwant:\n%s", path, got, want)
	}
}
