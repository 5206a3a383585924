package ui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

func TestTable(t *testing.T) {
	var out bytes.Buffer
	err := Table(&out, []string{"NODE", "ROLE", "VERSION"}, [][]string{
		{"cp1", "controller", "1.37.1"},
		{"a-long-name", "edge", ""},
		{"tëst", "wor\tker\n", "\x1b[31m1.37.1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "table", out.String())
}

func TestDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0.0s": -time.Second, "0.4s": 440 * time.Millisecond, "59.9s": 59900 * time.Millisecond,
		"1m00s": 59970*time.Millisecond + 50*time.Millisecond, "1m05s": 65 * time.Second, "2h03m": 123 * time.Minute,
	} {
		if got := duration(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}

func TestAmount(t *testing.T) {
	for want, n := range map[string][2]int64{
		"": {0, 0}, "12 B": {12, 0}, "1/1000 B, 0%": {1, 1000},
		"1.0/2.0 KiB, 50%": {1024, 2048}, "3.5 GiB": {3584 << 20, 0},
	} {
		if got := amount(n[0], n[1]); got != want {
			t.Errorf("%v is %q, want %q", n, got, want)
		}
	}
}

func TestDetect(t *testing.T) {
	_, tty := openPTY(t)
	for name, test := range map[string]struct {
		stream             io.Writer
		env                map[string]string
		interactive, color bool
	}{
		"a terminal": {tty, nil, true, true},
		"no colour":  {tty, map[string]string{"NO_COLOR": "1"}, true, false},
		"dumb":       {tty, map[string]string{"TERM": "dumb"}, false, false},
		"ci":         {tty, map[string]string{"CI": "true"}, false, true},
		"a buffer":   {&bytes.Buffer{}, nil, false, false},
	} {
		got := Detect(test.stream, func(name string) string { return test.env[name] })
		if got.Interactive != test.interactive || got.Color != test.color {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	if err := pty.Setsize(tty, &pty.Winsize{Cols: 33, Rows: 7}); err != nil {
		t.Fatal(err)
	}
	if columns, rows := Detect(tty, os.Getenv).Size(); columns != 33 || rows != 7 {
		t.Errorf("got %d columns, %d rows", columns, rows)
	}
}

func TestStyle(t *testing.T) {
	if got := (Terminal{Color: true}).Style().Bad("no"); got != "\x1b[31mno\x1b[0m" {
		t.Errorf("got %q", got)
	}
	if got := (Terminal{}).Style().Bad("no"); got != "no" {
		t.Errorf("got %q", got)
	}
}

func TestQuestionsNeedATerminal(t *testing.T) {
	p := Prompt{In: strings.NewReader("y\n"), Out: io.Discard}
	_, err := p.Confirm(t.Context(), Question{Text: "Remove node w1?", Otherwise: "pass --yes"})
	want := `cannot ask "Remove node w1? [y/N]", standard input is not a terminal: pass --yes`
	if !errors.Is(err, ErrNoTerminal) || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestQuestions(t *testing.T) {
	keyboard, tty := openPTY(t)
	var out bytes.Buffer
	p := Prompt{In: tty, Out: &out}
	if _, err := keyboard.WriteString("YES\n \nhome\n"); err != nil { // typed ahead
		t.Fatal(err)
	}
	if yes, err := p.Confirm(t.Context(), Question{Text: "Go on?"}); err != nil || !yes {
		t.Errorf("yes: got %v, %v", yes, err)
	}
	if yes, err := p.Confirm(t.Context(), Question{Text: "Go on?"}); err != nil || yes {
		t.Errorf("nothing: got %v, %v", yes, err)
	}
	if name, err := p.Ask(t.Context(), Question{Text: "Name?"}); err != nil || name != "home" {
		t.Errorf("got %q, %v", name, err)
	}
	if want := "Go on? [y/N] Go on? [y/N] Name? "; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestPasswordIsNotShown(t *testing.T) {
	keyboard, tty := openPTY(t)
	asked, hidden := make(chan struct{}), make(chan bool, 1)
	p := Prompt{In: tty, Out: notify{asked}}
	go func() {
		<-asked
		hidden <- eventually(t.Context(), func() bool { return !echoes(t, tty) })
		_, _ = keyboard.WriteString("secret\n")
	}()
	got, err := p.Password(t.Context(), Question{Text: "Password?"})
	if err != nil || string(got) != "secret" {
		t.Errorf("got %q, %v", got, err)
	}
	if !<-hidden {
		t.Error("what was typed could be read on the screen")
	}
	if !echoes(t, tty) {
		t.Error("the terminal stayed mute")
	}
}

func TestInterruptedPasswordRestoresTheTerminal(t *testing.T) {
	_, tty := openPTY(t)
	ctx, cancel := context.WithCancel(t.Context())
	p := Prompt{In: tty, Out: io.Discard}
	go func() {
		eventually(ctx, func() bool { return !echoes(t, tty) })
		cancel()
	}()
	if _, err := p.Password(ctx, Question{Text: "Password?"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if !echoes(t, tty) {
		t.Error("the terminal stayed mute")
	}
}

// notify closes its channel at the first write.
type notify struct{ asked chan struct{} }

func (n notify) Write(b []byte) (int, error) {
	select {
	case <-n.asked:
	default:
		close(n.asked)
	}
	return len(b), nil
}

func eventually(ctx context.Context, is func() bool) bool {
	for range 1000 {
		if is() {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(time.Millisecond):
		}
	}
	return false
}
