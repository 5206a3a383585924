package provision

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/ignition"
)

// Many artefacts share a session, and what is wrong with one stays its own.
func TestFaultInTheMiddleOfAStream(t *testing.T) {
	host := newMachine(t, "")
	var paths []string
	for i := range 3 * streams {
		paths = append(paths, fmt.Sprintf("/usr/local/bin/%d", i))
	}
	m, source := bundled(t, 300_000, paths...)
	part := func(i int, content []byte) {
		script := "mkdir -p /var/lib/kbm/incoming; cat >/var/lib/kbm/incoming/" + m.Files[i].Artefact.SHA256 + ".part"
		if _, err := host.Run(t.Context(), Command{Script: script, Stdin: bytes.NewReader(content)}); err != nil {
			t.Fatal(err)
		}
	}
	part(streams, make([]byte, 1000))
	part(streams+1, source[paths[streams+1]][:2000])
	plan := look(t, host, m)
	part(streams+1, source[paths[streams+1]][:5000])
	before := host.runs.Load()
	if err := PushArtefacts(t.Context(), host, plan, source, nil); err != nil {
		t.Fatal(err)
	}
	if n := host.runs.Load() - before; n != streams+2 {
		t.Errorf("%d sessions, want one for each stream and one more for each fault", n)
	}
	plan = look(t, host, m)
	if n := len(plan.unarrived()); n != 0 {
		t.Errorf("%d artefacts are still missing", n)
	}
}

func TestTheWrongArtefactIsNamed(t *testing.T) {
	host := newMachine(t, "")
	m, source := bundled(t, 300_000, "/usr/local/bin/1", "/usr/local/bin/2", "/usr/local/bin/3", "/usr/local/bin/4", "/usr/local/bin/5", "/usr/local/bin/6")
	source["/usr/local/bin/6"] = source["/usr/local/bin/6"][:1000]
	err := PushArtefacts(t.Context(), host, look(t, host, m), source, nil)
	if err == nil || !strings.Contains(err.Error(), "send /usr/local/bin/6: ") {
		t.Errorf("got %v", err)
	}
}

func TestShare(t *testing.T) {
	for _, test := range []struct {
		rests []int64
		want  string
	}{
		{nil, ""},
		{[]int64{7}, "7"},
		{[]int64{1, 9, 5}, "9 | 5 1"},
		{[]int64{0, 0, 0, 8, 3, 5}, "8 0 0 | 5 3 0"},
	} {
		var all []consignment
		for _, n := range test.rests {
			all = append(all, consignment{ignition.Artefact{Size: n + 10}, 10})
		}
		var got []string
		for _, stream := range share(all, 2) {
			var rests []string
			for _, c := range stream {
				rests = append(rests, fmt.Sprint(c.rest()))
			}
			got = append(got, strings.Join(rests, " "))
		}
		if got := strings.Join(got, " | "); got != test.want {
			t.Errorf("%v: %q, want %q", test.rests, got, test.want)
		}
	}
}
