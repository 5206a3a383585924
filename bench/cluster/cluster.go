// Package cluster measures the main job: from bare machines to Ready nodes, by
// kbm and by kubeadm, one after the other in one run.
//
// The same on both sides: freshly booted lab machines of the same base system
// and the same medium, with the same containerd, kubelet, runc and CNI
// configuration; the images of the control plane, kube-proxy, CoreDNS and pause
// loaded, and containerd running, before the clock starts; no copying of
// artefacts within the measured time. kubeadm has its etcd image beside that,
// where kbm runs etcd from a binary. kbm works from outside over SSH, and
// kubeadm on the machines themselves. The clock stops when the API says that
// the nodes are Ready; what kube-proxy and CoreDNS still do after that counts
// for neither.
package cluster

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/kbm-dev/kbm/bench/internal/report"
)

// The goals of the ratios kbm / kubeadm, and of the run that has nothing to do.
const (
	goalOne   = 0.8
	goalThree = 0.6
	goalNoop  = 2 * time.Second
)

// result is one run of one program on a cluster of some size: when the first
// controller was Ready, when all nodes were, and kbm's run with nothing to do.
type result struct{ first, all, noop time.Duration }

func one(r result) time.Duration  { return r.first }
func all(r result) time.Duration  { return r.all }
func noop(r result) time.Duration { return r.noop }

// Measure makes clusters of one and of three machines, runs times each.
func Measure(ctx context.Context, kbm string, runs int, log io.Writer) ([]report.Row, error) {
	ours, theirs, err := both(ctx, kbm, 1, runs, log)
	if err != nil {
		return nil, err
	}
	rows := []report.Row{row("first controller Ready, and kubeadm init", ours, theirs, one, goalOne)}
	if ours, theirs, err = both(ctx, kbm, 3, runs, log); err != nil {
		return nil, err
	}
	idle := report.Median(ours, noop)
	return append(rows, row("three nodes Ready, and kubeadm init and join", ours, theirs, all, goalThree), report.Row{
		What: "kbm up with nothing to do, three nodes", Kbm: report.Seconds(idle),
		Goal: fmt.Sprintf("≤ %.0f s", goalNoop.Seconds()), Missed: idle > goalNoop,
	}), nil
}

// both takes turns, so that what else the computer does slows both sides.
func both(ctx context.Context, kbm string, size, runs int, log io.Writer) (ours, theirs []result, err error) {
	for i := range runs {
		k, err := measureKbm(ctx, kbm, size)
		if err != nil {
			return nil, nil, fmt.Errorf("kbm, machines: %d, run %d: %w", size, i+1, err)
		}
		a, err := measureKubeadm(ctx, kbm, size)
		if err != nil {
			return nil, nil, fmt.Errorf("kubeadm, machines: %d, run %d: %w", size, i+1, err)
		}
		_, _ = fmt.Fprintf(log, "cluster: machines: %d, run %d: kbm %s, kubeadm %s\n", size, i+1, report.Seconds(k.all), report.Seconds(a.all))
		ours, theirs = append(ours, k), append(theirs, a)
	}
	return ours, theirs, nil
}

func row(what string, ours, theirs []result, figure func(result) time.Duration, goal float64) report.Row {
	k, a := report.Median(ours, figure), report.Median(theirs, figure)
	ratio := k.Seconds() / a.Seconds()
	return report.Row{
		What: what, Kbm: report.Seconds(k), Beside: report.Seconds(a),
		Ratio: fmt.Sprintf("%.2f", ratio), Goal: fmt.Sprintf("≤ %.1f", goal), Missed: ratio > goal,
	}
}
