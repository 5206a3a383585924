package provision

import (
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
)

const etcdctlPath = "kbm ssh cp1 -- /opt/bin/kbm-etcdctl"

func peer(n string) string { return "https://10.0.0." + n + ":2380" }

// runs is a member that has served.
func runs(id uint64, name, n string) member {
	return member{ID: id, Name: name, PeerURLs: []string{peer(n)}, ClientURLs: []string{"https://10.0.0." + n + ":2379"}}
}

func TestStandingOf(t *testing.T) {
	var (
		cp1     = runs(0xa1, "cp1", "11")
		cp2     = runs(0xb2, "cp2", "12")
		learner = member{ID: 0xb2, PeerURLs: []string{peer("12")}, IsLearner: true}
		initial = member{ID: 0xb2, Name: "cp2", PeerURLs: []string{peer("12")}}
		started = member{ID: 0xb2, Name: "cp2", PeerURLs: []string{peer("12")}, ClientURLs: cp2.ClientURLs, IsLearner: true}
	)
	for name, test := range map[string]struct {
		hasData bool
		members []member
		want    standing
		fault   string
	}{
		"a new controller":                      {false, []member{cp1}, stranger, ""},
		"added, and the run was killed":         {false, []member{cp1, learner}, expected, ""},
		"of the first members, never started":   {false, []member{cp1, initial}, expected, ""},
		"a member":                              {true, []member{cp1, cp2}, belongs, ""},
		"a learner that runs":                   {true, []member{cp1, started}, belongs, ""},
		"its data is gone":                      {false, []member{cp1, cp2}, 0, "cp2: its etcd data is gone"},
		"its data is gone before it could vote": {false, []member{cp1, started}, 0, "by " + etcdctlPath + " member remove b2, and"},
		"it was taken out":                      {true, []member{cp1}, 0, "kbm ssh cp2 -- rm -rf /var/lib/etcd/member"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := standingOf("cp2", peer("12"), test.hasData, test.members, etcdctlPath)
			if test.fault == "" && (err != nil || got != test.want) {
				t.Errorf("got %v, %v, want %v", got, err, test.want)
			}
			if test.fault != "" && (err == nil || !strings.Contains(err.Error(), test.fault)) {
				t.Errorf("got %v, want an error with %q", err, test.fault)
			}
		})
	}
}

// etcd compares what a new member was told with its own list, and refuses to
// start it where one is missing, even one that has no name yet.
func TestJoinEnvNamesEveryMember(t *testing.T) {
	members := []member{runs(0xa1, "cp1", "11"), {ID: 0xc3, PeerURLs: []string{peer("13")}, IsLearner: true}}
	const want = "ETCD_INITIAL_CLUSTER=cp2=https://10.0.0.12:2380,cp1=https://10.0.0.11:2380,c3=https://10.0.0.13:2380\nETCD_INITIAL_CLUSTER_STATE=existing\n"
	if got := joinEnv("cp2", peer("12"), members); got != want {
		t.Errorf("before it is added: %q", got)
	}
	members = append(members, member{ID: 0xb2, PeerURLs: []string{peer("12")}, IsLearner: true})
	if got := joinEnv("cp2", peer("12"), members); got != want {
		t.Errorf("after it was added: %q", got)
	}
}

// Members that begin apart would be two clusters that each believe to be the one.
func TestUnborn(t *testing.T) {
	const three, one = "ETCD_INITIAL_CLUSTER=cp1,cp2,cp3\n", "ETCD_INITIAL_CLUSTER=cp1\n"
	for name, test := range map[string]struct {
		states []etcdState
		want   bool
	}{
		"bare machines":                     {[]etcdState{{}, {}, {}}, true},
		"killed before any file":            {[]etcdState{{begun: one}, {}, {}}, true},
		"killed while the first one starts": {[]etcdState{{data: true, begun: three}, {}, {}}, true},
		"killed while all start":            {[]etcdState{{data: true, begun: three}, {data: true, begun: three}, {data: true, begun: three}}, true},
		"killed when it served":             {[]etcdState{{data: true, formed: true, begun: three}, {data: true, formed: true, begun: three}, {}}, false},
		"one grows to three":                {[]etcdState{{data: true, formed: true, begun: one}, {}, {}}, false},
		"one was killed, then three":        {[]etcdState{{data: true, begun: one}, {}, {}}, false},
		"killed while joining":              {[]etcdState{{data: true, formed: true, begun: one}, {joining: true}, {}}, false},
		"all data is lost":                  {[]etcdState{{formed: true}, {formed: true}, {formed: true}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var controllers []*machine
			for _, state := range test.states {
				controllers = append(controllers, &machine{
					node: &cluster.Node{}, etcd: state,
					want: ignition.Machine{Files: []ignition.File{{Path: ignition.EtcdInitialFile, Content: []byte(three)}}},
				})
			}
			if got := unborn(controllers); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// The members that etcd begins with are of no account to one that has its data:
// a controller that is added is no change of the others.
func TestInitialClusterIsNoDriftOfAMember(t *testing.T) {
	m := ignition.Machine{Name: "cp1", Files: []ignition.File{{Path: ignition.EtcdInitialFile, Mode: 0o644, Content: []byte("new"), Until: ignition.EtcdDataPath}}}
	entry := Entry{Type: RegularFile, Mode: 0o644, Owner: "root", Group: "root", SHA256: "other"}
	for name, test := range map[string]struct {
		paths   map[string]Entry
		changes int
	}{
		"no member yet":       {map[string]Entry{ignition.EtcdInitialFile: entry}, 1},
		"a member":            {map[string]Entry{ignition.EtcdInitialFile: entry, ignition.EtcdDataPath: {Type: Directory}}, 0},
		"a member, file gone": {map[string]Entry{ignition.EtcdDataPath: {Type: Directory}}, 1},
	} {
		plan, err := Compare(m, Facts{Paths: test.paths})
		if err != nil || len(plan.Changes) != test.changes {
			t.Errorf("%s: %v, %v", name, plan.Changes, err)
		}
	}
}
