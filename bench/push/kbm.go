package push

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/kbm-dev/kbm/bench/internal/machines"
)

// push takes the time of `kbm push`, all of it: connecting, looking, checking
// the bundle's files.
func (r *result) push(ctx context.Context, m *machines.Machines) error {
	cmd := m.Command(ctx, "push", "-o", "json")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	var said []byte
	var arrived int
	for lines.Scan() {
		said = append(append(said, lines.Bytes()...), '\n')
		var event struct{ Step, State string }
		if json.Unmarshal(lines.Bytes(), &event) == nil && event.Step == "push artefacts" && event.State == "done" {
			r.sent = time.Since(start)
			arrived++
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("kbm push: %w\n%s", err, said)
	}
	r.loaded = time.Since(start)
	if arrived != size {
		return fmt.Errorf("kbm push said of %d machines that they hold everything, not of %d:\n%s", arrived, size, said)
	}
	start = time.Now()
	err = m.Run(ctx, "push")
	r.noop = time.Since(start)
	return err
}
