// Package media measures what a person waits for when a cluster is planned:
// init, add-node and an ISO for each machine, through the real program, beside
// the same steps done as shell scripts do them, with openssl and genisoimage.
package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/kbm-dev/kbm/bench/internal/report"
)

// The goals: seconds and bytes for the largest size, and how much faster per
// node than the scripts. Growth is the most that a node may cost at the
// largest size against one at the size before it: linear, with room for noise.
const (
	goalWall   = 15 * time.Second
	goalPeak   = 200_000_000
	goalRatio  = 20
	goalGrowth = 1.5
)

// half is how many nodes the scripts make before kbm's turn, and how many after
// it: what else the computer does meanwhile slows both sides.
const half = 10

// result is one measurement. The peak is the memory of the largest process, in
// bytes.
type result struct {
	nodes     int
	wall, cpu time.Duration
	peak      int64
}

func (r result) perNode() time.Duration { return r.wall / time.Duration(r.nodes) }

// Measure makes 1, 10, 100 and 1,000 nodes once each: the largest is long
// enough to be its own average.
func Measure(ctx context.Context, kbm string, _ int, log io.Writer) (rows []report.Row, err error) {
	dir, err := os.MkdirTemp("", "kbm-bench-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	scripts, err := measureScripts(ctx, filepath.Join(dir, "before"), half)
	if err != nil {
		return nil, err
	}
	var all []result
	for _, n := range []int{1, 10, 100, 1000} {
		r, err := measureKbm(ctx, kbm, filepath.Join(dir, strconv.Itoa(n)), n)
		if err != nil {
			return nil, err
		}
		_, _ = fmt.Fprintf(log, "media: %d nodes in %s\n", n, report.Seconds(r.wall))
		all = append(all, r)
	}
	after, err := measureScripts(ctx, filepath.Join(dir, "after"), half)
	if err != nil {
		return nil, err
	}
	scripts.wall += after.wall
	scripts.nodes += after.nodes
	return judge(scripts, all), nil
}

// judge holds the figures against their goals.
func judge(scripts result, all []result) (rows []report.Row) {
	for _, r := range all {
		rows = append(rows, report.Row{
			What: fmt.Sprintf("init, add-node, ISO, machines: %d", r.nodes),
			Kbm:  fmt.Sprintf("%s, %s of CPU, %d MB; a node %s", report.Seconds(r.wall), report.Seconds(r.cpu), r.peak/1e6, report.Milliseconds(r.perNode())),
		})
	}
	last, before := all[len(all)-1], all[len(all)-2]
	largest := &rows[len(rows)-1]
	largest.Goal = fmt.Sprintf("< %.0f s, < %d MB", goalWall.Seconds(), int(goalPeak/1e6))
	largest.Missed = last.wall >= goalWall || last.peak >= goalPeak
	ratio := float64(scripts.perNode()) / float64(last.perNode())
	growth := float64(last.perNode()) / float64(before.perNode())
	return append(rows, report.Row{
		What:   "a node, by scripts with openssl and genisoimage",
		Kbm:    report.Milliseconds(last.perNode()),
		Beside: report.Milliseconds(scripts.perNode()),
		Ratio:  fmt.Sprintf("%.0f× faster", ratio), Goal: fmt.Sprintf("≥ %d×", goalRatio), Missed: ratio < goalRatio,
	}, report.Row{
		What: fmt.Sprintf("a node among %d, against one among %d", last.nodes, before.nodes),
		Kbm:  report.Milliseconds(last.perNode()), Beside: report.Milliseconds(before.perNode()),
		Ratio: fmt.Sprintf("%.2f", growth), Goal: fmt.Sprintf("≤ %.1f", goalGrowth), Missed: growth > goalGrowth,
	})
}
