package hosts

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/internal/ssh/sshtest"
)

// shell plays the scripts of a run that finds nothing to do: the lock, the
// questions about the machine, the state of etcd, the endpoint's address. A
// script that it does not know fails, and so does the run that is measured.
func shell(answers map[string][]byte) sshtest.Handler {
	return func(node, line string, stdin io.Reader, stdout io.Writer) int {
		switch {
		case strings.Contains(line, `echo "= clock"`):
			_, _ = io.Copy(io.Discard, stdin)
			_, _ = fmt.Fprintf(stdout, "= clock\n%d.0\n%s", time.Now().Unix(), answers[node])
		case strings.Contains(line, "/run/kbm.lock"):
			_, _ = io.WriteString(stdout, "held\n")
			_, _ = io.Copy(io.Discard, stdin)
		case strings.Contains(line, "etcd-formed"):
			_, _ = io.WriteString(stdout, "formed\n=\n")
		case strings.Contains(line, "id -u"):
			_, _ = io.WriteString(stdout, "free\n")
		case strings.Contains(line, "getent ahosts"):
			_, _ = io.WriteString(stdout, "192.0.2.1       STREAM api.bench.example\n")
		default:
			return 127
		}
		return 0
	}
}

// inOrder is what gather.sh prints on a machine that is just as m wants it.
func inOrder(n *cluster.Node, m ignition.Machine) ([]byte, error) {
	var stats, sums, links bytes.Buffer
	inventory := struct {
		Paths map[string][]string `json:"paths"`
	}{map[string][]string{}}
	stat := func(kind uint32, mode uint32, owner, group string, size int64, path, name string) {
		fmt.Fprintf(&stats, "%x %s %s %d 1.0 1.0 7 %s\n", kind|mode, or(owner), or(group), size, name)
		inventory.Paths[path] = nil
	}
	file := func(f ignition.File) {
		sum, size := fmt.Sprintf("%x", sha256.Sum256(f.Content)), int64(len(f.Content))
		if f.Artefact != nil {
			sum, size = f.Artefact.SHA256, f.Artefact.Size
		}
		stat(0o100000, uint32(f.Mode.Perm()), f.Owner, f.Group, size, f.Path, f.Path)
		fmt.Fprintf(&sums, "%s  %s\n", sum, f.Path)
	}
	for _, d := range m.Dirs {
		stat(0o040000, uint32(d.Mode.Perm()), d.Owner, d.Group, 4096, d.Path, d.Path+"/")
	}
	for _, f := range m.Files {
		file(f)
	}
	for _, l := range m.Links {
		stat(0o120000, 0o777, "", "", 1, l.Path, l.Path)
		fmt.Fprintln(&links, l.Target)
	}
	var units bytes.Buffer
	for _, u := range m.Units {
		if u.Content != "" {
			file(ignition.File{Path: "/etc/systemd/system/" + u.Name, Mode: 0o644, Content: []byte(u.Content)})
		}
		enabled, active := "disabled", "inactive"
		if u.Enabled {
			enabled = "enabled"
		}
		if u.Started {
			active = "active"
		}
		fmt.Fprintf(&units, "Names=%s\nLoadState=loaded\nActiveState=%s\nSubState=running\nUnitFileState=%s\nNeedDaemonReload=no\n\n", u.Name, active, enabled)
	}
	if n.Role == cluster.Controller {
		stat(0o040000, 0o700, "", "", 4096, ignition.EtcdDataPath, ignition.EtcdDataPath)
		delete(inventory.Paths, ignition.EtcdDataPath)
	}
	known, err := json.Marshal(inventory)
	var b bytes.Buffer
	fmt.Fprintf(&b, "= os\nID=debian\n= host\n%s 6.12.0 x86_64\n4\nmachine-id=%x\nboot-id=%[2]x\nsystemd=yes\ncgroup=2\nmemory=8388608\n", m.Hostname, sha256.Sum256([]byte(m.Name)))
	fmt.Fprintf(&b, "= addresses\n2: eth0    inet %s brd + scope global eth0\n= disks\n= inventory\n%s\n= incoming\n", n.Address, known)
	fmt.Fprintf(&b, "= files\n%s= hashes\n%s= links\n%s= units\n%s= end\n", &stats, &sums, &links, &units)
	return b.Bytes(), err
}

func or(owner string) string {
	if owner == "" {
		return "root"
	}
	return owner
}
