package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// measureKbm takes the time of `kbm up`, from its start to the event that says
// that the first controller is Ready, and that the last node is.
func measureKbm(ctx context.Context, kbm string, size int) (r result, err error) {
	m, err := boot(ctx, kbm, size)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, m.Close(ctx)) }()
	cmd := m.Command(ctx, "up", "-o", "json")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return r, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return r, err
	}
	lines := bufio.NewScanner(out)
	var said []byte
	for lines.Scan() {
		said = append(append(said, lines.Bytes()...), '\n')
		var event struct{ Subject, Step, State string }
		if json.Unmarshal(lines.Bytes(), &event) != nil || event.Step != "Ready" || event.State != "done" {
			continue
		}
		r.all = time.Since(start)
		if event.Subject == "cp1" {
			r.first = r.all
		}
	}
	if err := cmd.Wait(); err != nil {
		return r, fmt.Errorf("kbm up: %w\n%s", err, said)
	}
	if r.first == 0 {
		return r, fmt.Errorf("kbm up never said that cp1 is Ready:\n%s", said)
	}
	start = time.Now()
	err = m.Run(ctx, "up")
	r.noop = time.Since(start)
	return r, err
}
