package provision

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Whoever waits for longer than patience is told, every now and then, what the
// machine itself has to say: it may be that no time will mend it.
const (
	patience    = 10 * time.Second
	nowAndAgain = 5 * time.Second
)

// A unit that has ended this often within at least this time, while others wait
// for it, does not come up by itself any more. systemd starts it again after two
// seconds, so one that is late for a reason has had its chances.
const (
	tooOften = 5
	tooLong  = 30 * time.Second
)

// concern looks at a machine that keeps others waiting, not at every question.
type concern struct {
	next  time.Time
	last  string
	since time.Time
	ends  map[string]int // how often units had ended then
}

// waitFor tells why a machine is waited for: what troubles it, or else the
// reason. Its error is one that no waiting mends.
func (r *run) waitFor(ctx context.Context, m *machine, c *concern, step, reason string) error {
	trouble, err := c.about(ctx, r, m)
	if err != nil {
		return permanent(err)
	}
	r.report(m.node.Name, step, Waiting, cmp.Or(trouble, reason))
	return nil
}

// about returns what troubles the machine, or nothing when it is not yet time
// to ask, or nothing is known. The error is a *UnitError.
func (c *concern) about(ctx context.Context, r *run, m *machine) (string, error) {
	now := r.Now()
	switch {
	case c.next.IsZero():
		c.next = now.Add(patience)
		return "", nil
	case now.Before(c.next) || m.host == nil:
		return c.last, nil
	}
	c.next = now.Add(nowAndAgain)
	ctx, cancel := shortly(ctx)
	defer cancel()
	out, err := m.host.Run(ctx, Command{Script: troubleScript})
	if err != nil {
		return "", nil
	}
	if c.ends == nil {
		c.ends, c.since = map[string]int{}, now
	}
	c.last = ""
	for line := range strings.Lines(string(out.Stdout)) {
		t := parseTrouble(line)
		c.last = cmp.Or(c.last, t.String())
		if t.unit == "" {
			continue
		}
		first, seen := c.ends[t.unit]
		if t.givenUp {
			return "", t.asError(ctx, m, "systemd has given it up")
		} else if !seen {
			c.ends[t.unit] = t.ends
		} else if t.ends-first >= tooOften && now.Sub(c.since) >= tooLong {
			return "", t.asError(ctx, m, fmt.Sprintf("it has ended %d times in %s", t.ends-first, now.Sub(c.since).Round(time.Second)))
		}
	}
	return c.last, nil
}

// trouble is a line of troubleScript: UNIT, its state, how often it has ended,
// and its last words where it does not run; or the words of an API server that
// has ended.
type trouble struct {
	unit    string
	givenUp bool // systemd does not start it again
	ends    int
	words   string
}

func parseTrouble(line string) trouble {
	line = strings.TrimSpace(line)
	unit, rest, _ := strings.Cut(line, " ")
	if !strings.HasSuffix(unit, ".service") {
		return trouble{words: line}
	}
	state, rest, _ := strings.Cut(rest, " ")
	count, words, _ := strings.Cut(rest, " ")
	ends, _ := strconv.Atoi(count) // a systemd that does not count them has no trouble to tell
	return trouble{unit, state == "failed", ends, words}
}

func (t trouble) String() string {
	if t.unit == "" || t.words == "" {
		return t.words
	}
	return t.unit + " keeps ending: " + t.words
}

// asError has the unit's own words of the last starts.
func (t trouble) asError(ctx context.Context, m *machine, reason string) *UnitError {
	e := &UnitError{Node: m.node.Name, Unit: t.unit, Reason: reason, Journal: t.words}
	out, err := m.host.Run(ctx, Command{Script: "journalctl _SYSTEMD_UNIT=" + t.unit + " -n 15 -o cat --no-pager"})
	if words := strings.TrimSpace(string(out.Stdout)); err == nil && words != "" {
		e.Journal = words
	}
	return e
}

// troubleScript prints what state the units are in and how often they have ended,
// each with its last words if it does not run, and the last words of an API
// server that has ended.
const troubleScript = `for unit in containerd etcd kubelet; do
	words= state=$(systemctl show -p SubState --value $unit.service)
	case $state in auto-restart|failed)
		# By this field systemd's own remarks on the unit are left out.
		words=$(journalctl _SYSTEMD_UNIT=$unit.service -n 1 -o cat --no-pager) ;;
	esac
	echo $unit.service $state $(systemctl show -p NRestarts --value $unit.service) "$words"
done
for log in /var/log/pods/kube-system_kube-apiserver-*/kube-apiserver/*.log; do
	last=$log
done
[ -e "$last" ] && grep -h " [EF][0-9]* \|Error:" "$last" | tail -n 1 | cut -d ' ' -f 4- | sed 's/^/kube-apiserver: /'
exit 0`
