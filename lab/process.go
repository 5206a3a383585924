package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// process names one process for good: a pid alone may be given to another
// process once the first has ended.
type process struct {
	pid     int
	started string // in clock ticks since the host's boot
}

// The fields of /proc/<pid>/stat that follow the program's name, numbered from
// the closing parenthesis; see proc_pid_stat(5), where they are 3, 4 and 22.
const (
	statState  = 0
	statParent = 1
	statStart  = 19
)

// parseStat reads the content of a /proc/<pid>/stat. The program's name may
// itself hold spaces and parentheses.
func parseStat(stat string) (p process, parent int, state string, err error) {
	name, end := strings.Index(stat, " ("), strings.LastIndex(stat, ") ")
	if name < 0 || end < name {
		return process{}, 0, "", fmt.Errorf("process record %q: not a line of /proc/<pid>/stat", stat)
	}
	fields := strings.Fields(stat[end+2:])
	if len(fields) <= statStart {
		return process{}, 0, "", fmt.Errorf("process record %q: it is cut short", stat)
	}
	pid, err := strconv.Atoi(stat[:name])
	if err != nil {
		return process{}, 0, "", fmt.Errorf("process record %q: %w", stat, err)
	}
	parent, err = strconv.Atoi(fields[statParent])
	if err != nil {
		return process{}, 0, "", fmt.Errorf("process record %q: %w", stat, err)
	}
	return process{pid: pid, started: fields[statStart]}, parent, fields[statState], nil
}

// alive says whether this very process still runs.
func (p process) alive() bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), "stat"))
	if err != nil {
		return false
	}
	now, _, state, err := parseStat(string(stat))
	return err == nil && now == p && state != "Z" && state != "X"
}

// kill ends the process and everything that descends from it, and returns when
// they are gone. The ancestors are stopped first, so that none starts another
// child while the tree is being read.
func (p process) kill(ctx context.Context) error {
	var tree []process
	for next := []process{p}; len(next) > 0; {
		for _, q := range next {
			if q.alive() {
				q.signal(unix.SIGSTOP)
			}
		}
		tree = append(tree, next...)
		children, err := childrenOf(next)
		if err != nil {
			return err
		}
		next = children
	}
	for _, q := range tree {
		if q.alive() {
			q.signal(unix.SIGKILL)
		}
	}
	for _, q := range tree {
		if err := poll(ctx, 5*time.Millisecond, func() (bool, error) { return !q.alive(), nil }); err != nil {
			return fmt.Errorf("process %d does not end: %w", q.pid, err)
		}
	}
	return nil
}

// signal ignores a process that has ended meanwhile, which is what is wanted.
func (p process) signal(s unix.Signal) {
	_ = unix.Kill(p.pid, s)
}

func childrenOf(parents []process) ([]process, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	isParent := map[int]bool{}
	for _, p := range parents {
		isParent[p.pid] = true
	}
	var children []process
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // ended since the listing
		}
		if p, parent, _, err := parseStat(string(stat)); err == nil && isParent[parent] {
			children = append(children, p)
		}
	}
	return children, nil
}

// poll asks until the answer is yes, an error, or the context ends.
func poll(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
		if ok, err := done(); ok || err != nil {
			return err
		}
		timer.Reset(every)
	}
}

// ErrLocked says that another process is at work on the same thing.
var ErrLocked = errors.New("locked by another process")

// tryLock takes a lock that ends with the last process that holds the file
// open: a killed process leaves none behind, and a child that is given the
// file keeps it.
func tryLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrLocked
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
