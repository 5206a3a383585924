package provision

import (
	"context"
	"strings"
	"time"
)

// Whoever waits for longer than patience is told, every now and then, what the
// machine itself has to say: it may be that no time will mend it.
const (
	patience    = 10 * time.Second
	nowAndAgain = 5 * time.Second
)

// concern looks at a machine that keeps others waiting, not at every question.
type concern struct {
	next time.Time
	last string
}

// about returns what troubles the machine, or nothing when it is not yet time
// to ask, or nothing is known.
func (c *concern) about(ctx context.Context, r *run, m *machine) string {
	now := r.Now()
	switch {
	case c.next.IsZero():
		c.next = now.Add(patience)
		return ""
	case now.Before(c.next) || m.host == nil:
		return c.last
	}
	c.next = now.Add(nowAndAgain)
	ctx, cancel := shortly(ctx)
	defer cancel()
	out, err := m.host.Run(ctx, Command{Script: troubleScript})
	if err != nil {
		return ""
	}
	c.last, _, _ = strings.Cut(strings.TrimSpace(string(out.Stdout)), "\n")
	return c.last
}

// troubleScript names the first unit that keeps ending, with its last words, or
// else the last words of an API server that has ended.
const troubleScript = `for unit in containerd etcd kubelet; do
	state=$(systemctl show -p SubState --value $unit.service)
	case $state in auto-restart|failed)
		# By this field systemd's own remarks on the unit are left out.
		echo "$unit.service keeps ending: $(journalctl _SYSTEMD_UNIT=$unit.service -n 1 -o cat --no-pager)"
		exit ;;
	esac
done
for log in /var/log/pods/kube-system_kube-apiserver-*/kube-apiserver/*.log; do
	last=$log
done
[ -e "$last" ] && grep -h " [EF][0-9]* \|Error:" "$last" | tail -n 1 | cut -d ' ' -f 4- | sed 's/^/kube-apiserver: /'
exit 0`
