// Command media measures what a person waits for when a cluster is planned:
// init, add-node and an ISO for each machine, through the real program, beside
// the same steps done as shell scripts do them, with openssl and genisoimage.
// Both run on the same computer in the same minute, so their ratio holds
// anywhere, whatever the seconds are.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"
)

// The goals: seconds and bytes for the largest size, and how much faster per
// node than the scripts. Growth is the most that a node may cost at the
// largest size against one at the size before it: linear, with room for noise.
const (
	goalWall   = 15 * time.Second
	goalRSS    = 200_000_000
	goalRatio  = 20
	goalGrowth = 1.5
)

type options struct {
	kbm     string
	scripts int
	check   bool
	sizes   []int
}

func main() {
	o := options{sizes: []int{1, 10, 100, 1000}}
	flag.StringVar(&o.kbm, "kbm", "bin/kbm", "the program to measure")
	flag.IntVar(&o.scripts, "scripts", 20, "how many nodes to make with openssl and genisoimage")
	flag.BoolVar(&o.check, "check", false, "exit 1 when a goal is missed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, o)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, o options) (err error) {
	kbm, err := filepath.Abs(o.kbm)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "kbm-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	// Half of the scripts' nodes before and half after: what else the computer
	// does meanwhile slows both sides.
	half := (o.scripts + 1) / 2
	scripts, err := measureScripts(ctx, filepath.Join(dir, "before"), half)
	if err != nil {
		return err
	}
	table := "init, add-node and ISO\tnodes\tseconds\tms a node\tpeak MB\t\n"
	var all []result
	for _, n := range o.sizes {
		r, err := measureKbm(ctx, kbm, filepath.Join(dir, strconv.Itoa(n)), n)
		if err != nil {
			return err
		}
		table += r.line("kbm")
		all = append(all, r)
	}
	after, err := measureScripts(ctx, filepath.Join(dir, "after"), half)
	if err != nil {
		return err
	}
	scripts = result{nodes: 2 * half, wall: scripts.wall + after.wall, rss: max(scripts.rss, after.rss)}
	table += scripts.line("openssl and genisoimage")
	verdict, missed := judge(scripts, all)
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', tabwriter.AlignRight)
	if _, err := io.WriteString(w, table); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if _, err := io.WriteString(out, verdict); err != nil {
		return err
	}
	if o.check {
		return missed
	}
	return nil
}

// result is one measurement. RSS is the peak in bytes of the largest process.
type result struct {
	nodes int
	wall  time.Duration
	rss   int64
}

func (r result) perNode() time.Duration { return r.wall / time.Duration(r.nodes) }

func (r result) line(name string) string {
	return fmt.Sprintf("%s\t%d\t%.2f\t%.2f\t%.0f\t\n", name, r.nodes, r.wall.Seconds(), float64(r.perNode().Microseconds())/1000, float64(r.rss)/1e6)
}

// judge holds the ratios against their goals; missed is an error for each that
// was not met.
func judge(scripts result, all []result) (verdict string, missed error) {
	last, before := all[len(all)-1], all[len(all)-2]
	ratio := float64(scripts.perNode()) / float64(last.perNode())
	growth := float64(last.perNode()) / float64(before.perNode())
	goal := func(met bool, format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		if !met {
			missed = errors.Join(missed, errors.New(text))
			text += " MISSED"
		}
		verdict += text + "\n"
	}
	goal(ratio >= goalRatio, "a node is made %.0f times faster than by the scripts (goal: %d)", ratio, goalRatio)
	goal(last.wall < goalWall, "%d nodes take %.1f s (goal: under %.0f)", last.nodes, last.wall.Seconds(), goalWall.Seconds())
	goal(last.rss < goalRSS, "%d nodes take %.0f MB (goal: under %.0f)", last.nodes, float64(last.rss)/1e6, float64(goalRSS)/1e6)
	goal(growth < goalGrowth, "a node among %d costs %.2f times one among %d (goal: under %.1f)", last.nodes, growth, before.nodes, goalGrowth)
	return verdict, missed
}
