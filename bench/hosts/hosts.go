// Package hosts measures what a `kbm up` with nothing to do costs on large
// clusters. The machines are simulated: an SSH server each, in this process,
// with a host certificate of the cluster's CA and the answers of a machine that
// is just as the spec says. All else is real: the program, in a process of its
// own, the cluster folder, and the etcd and API server behind the SSH
// connection, which hold a Node object for each machine and the addons.
//
// The simulated machines share the processors with kbm, so that the processor
// time is the truer figure, and the time on the clock an upper bound.
package hosts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/kbm-dev/kbm/bench/internal/program"
	"github.com/kbm-dev/kbm/bench/internal/report"
)

// Growth is the most that a machine may cost among the most machines, against
// one among the size before: linear, with room for noise. What does not depend
// on the machines is in it, too.
const (
	goalGrowth = 1.5
	goalPeak   = 250_000_000 // bytes
	setup      = 3 * time.Minute
)

// result is kbm's median run over some machines.
type result struct {
	hosts int
	program.Usage
}

func (r result) wallEach() float64 { return r.Wall.Seconds() * 1000 / float64(r.hosts) }

// Measure runs kbm over 10, 100 and 500 machines.
func Measure(ctx context.Context, kbm string, runs int, log io.Writer) ([]report.Row, error) {
	var all []result
	for _, n := range []int{10, 100, 500} {
		r, err := measure(ctx, kbm, n, runs)
		if err != nil {
			return nil, fmt.Errorf("%d machines: %w", n, err)
		}
		_, _ = fmt.Fprintf(log, "hosts: %d machines in %s, %d MB\n", n, report.Seconds(r.Wall), r.Peak/1e6)
		all = append(all, r)
	}
	return judge(all), nil
}

func measure(ctx context.Context, kbm string, n, runs int) (r result, err error) {
	dir, err := os.MkdirTemp("", "kbm-bench-*")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	f, err := newFleet(ctx, kbm, dir, n)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	// The first run applies the addons and labels the nodes.
	first, stop := context.WithTimeout(ctx, setup)
	defer stop()
	if _, err := program.Run(f.up(first, kbm)); err != nil {
		return r, err
	}
	var used []program.Usage
	for range runs {
		u, err := program.Run(f.up(ctx, kbm))
		if err != nil {
			return r, err
		}
		if want := fmt.Sprintf("Nothing to do: %d nodes", n); !strings.Contains(u.Said, want) {
			return r, fmt.Errorf("kbm up did not say %q:\n%s", want, u.Said)
		}
		used = append(used, u)
	}
	r.hosts = n
	r.Wall = report.Median(used, func(u program.Usage) time.Duration { return u.Wall })
	r.CPU = report.Median(used, func(u program.Usage) time.Duration { return u.CPU })
	r.Peak = report.Median(used, func(u program.Usage) int64 { return u.Peak })
	return r, nil
}

// up is the run that is measured.
func (f *fleet) up(ctx context.Context, kbm string) *exec.Cmd {
	return exec.CommandContext(ctx, kbm, "--dir", f.cluster.Dir, "up")
}

func judge(all []result) (rows []report.Row) {
	for _, r := range all {
		rows = append(rows, report.Row{
			What: fmt.Sprintf("kbm up with nothing to do, %d simulated hosts", r.hosts),
			Kbm: fmt.Sprintf("%s, %s of CPU, %d MB; a host %.1f ms",
				report.Seconds(r.Wall), report.Seconds(r.CPU), r.Peak/1e6, r.wallEach()),
		})
	}
	last, before := all[len(all)-1], all[len(all)-2]
	largest := &rows[len(rows)-1]
	largest.Goal, largest.Missed = fmt.Sprintf("≤ %d MB", int(goalPeak/1e6)), last.Peak > goalPeak
	growth := last.wallEach() / before.wallEach()
	return append(rows, report.Row{
		What: fmt.Sprintf("a host among %d, against one among %d", last.hosts, before.hosts),
		Kbm:  fmt.Sprintf("%.1f ms", last.wallEach()), Beside: fmt.Sprintf("%.1f ms", before.wallEach()),
		Ratio: fmt.Sprintf("%.2f", growth), Goal: fmt.Sprintf("≤ %.1f", goalGrowth), Missed: growth > goalGrowth,
	})
}
