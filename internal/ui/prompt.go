package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// ErrNoTerminal is met where a question cannot be asked.
var ErrNoTerminal = errors.New("standard input is not a terminal")

// Prompt asks the user.
type Prompt struct {
	In  io.Reader
	Out io.Writer
}

// Question is what is asked. Otherwise says how to answer without being asked,
// for example "pass --yes".
type Question struct {
	Text      string
	Otherwise string
}

// Ask returns a line without its end.
func (p Prompt) Ask(ctx context.Context, q Question) (string, error) {
	answer, err := p.ask(ctx, q, func(file *os.File, _ int) ([]byte, error) { return readLine(file) })
	return strings.TrimSpace(string(answer)), err
}

// Confirm returns whether the answer is yes; no answer is no.
func (p Prompt) Confirm(ctx context.Context, q Question) (bool, error) {
	q.Text += " [y/N]"
	answer, err := p.Ask(ctx, q)
	answer = strings.ToLower(answer)
	return answer == "y" || answer == "yes", err
}

// Password returns a line that is not shown while it is typed.
func (p Prompt) Password(ctx context.Context, q Question) ([]byte, error) {
	answer, err := p.ask(ctx, q, func(_ *os.File, fd int) ([]byte, error) { return term.ReadPassword(fd) })
	_, _ = fmt.Fprintln(p.Out) // the user's own return was not shown either
	return answer, err
}

// ask reads beside a wait for ctx, since a read from a terminal cannot be
// ended: the terminal is put back as it was, and the reader left behind.
func (p Prompt) ask(ctx context.Context, q Question, read func(file *os.File, fd int) ([]byte, error)) ([]byte, error) {
	file, ok := p.In.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil, fmt.Errorf("cannot ask %q, %w: %s", q.Text, ErrNoTerminal, q.Otherwise)
	}
	fd := int(file.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("read the terminal's state: %w", err)
	}
	_, _ = fmt.Fprint(p.Out, clean(q.Text)+" ")

	type reply struct {
		line []byte
		err  error
	}
	replies := make(chan reply, 1)
	go func() {
		line, err := read(file, fd)
		replies <- reply{line, err}
	}()
	select {
	case r := <-replies:
		if errors.Is(r.err, io.EOF) {
			return nil, fmt.Errorf("no answer to %q: %w", q.Text, io.ErrUnexpectedEOF)
		}
		return r.line, r.err
	case <-ctx.Done():
		_, _ = fmt.Fprintln(p.Out)
		return nil, errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}

// readLine takes no byte more than the line, so that what was typed ahead
// answers the next question.
func readLine(r io.Reader) ([]byte, error) {
	var line []byte
	for b := make([]byte, 1); ; {
		n, err := r.Read(b)
		if n == 1 && b[0] == '\n' {
			return line, nil
		}
		line = append(line, b[:n]...)
		if err != nil {
			return line, err
		}
	}
}
