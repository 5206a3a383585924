package external

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// OpenWrt's uci is in no package of Debian. This one does as much as the script
// asks of it, and as the real one was seen to: a line an option, and sections
// without a name are counted.
const fakeUCI = `#!/bin/sh
set -eu
[ "$1" != -q ] || shift
verb=$1; shift
touch "$STATE"
last=$(($(grep -c '^@domain\[[0-9]*\]=domain$' "$STATE" || true) - 1))
arg=$(printf %s "${1:-}" | sed "s/^dhcp\.//; s/@domain\[-1\]/@domain[$last]/")
key=${arg%%=*} value=${arg#*=}
drop() { awk -v key="$1" 'index($0, key "=") != 1 && index($0, key ".") != 1' "$STATE" >"$STATE.new"; mv "$STATE.new" "$STATE"; }
case $verb in
show) sed "s/^/dhcp./; s/\.\([a-z]*\)=\(.*\)/.\1='\2'/" "$STATE" ;;
get) awk -v key="$key=" 'index($0, key) == 1 { print substr($0, length(key) + 1); n++ } END { exit !n }' "$STATE" ;;
add) echo "@domain[$((last + 1))]=domain" >>"$STATE"; echo new ;;
set) drop "$key"; echo "$key=$value" >>"$STATE" ;;
add_list) echo "$key=$value" >>"$STATE" ;;
del_list) awk -v line="$key=$value" '$0 != line' "$STATE" >"$STATE.new"; mv "$STATE.new" "$STATE" ;;
delete)
	grep -qF "$key=" "$STATE" || exit 1
	drop "$key"
	# Those behind it move up.
	awk -v gone="$(printf %s "$key" | tr -cd 0-9)" -v anonymous="${key%%[*}" '
		anonymous == "@domain" && match($0, /^@domain\[[0-9]+\]/) {
			n = substr($0, 9, RLENGTH - 9); if (n + 0 > gone + 0) $0 = "@domain[" n - 1 "]" substr($0, RLENGTH + 1)
		} { print }' "$STATE" >"$STATE.new"; mv "$STATE.new" "$STATE" ;;
commit) [ "$arg" = dhcp ] ;;
*) exit 1 ;;
esac
`

// TestUCI runs the script as a router would: what was there stays, a second run
// changes nothing, and a name that is gone goes.
func TestUCI(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"uci": fakeUCI, "dnsmasq": "#!/bin/sh\necho \"$1\" >>\"$STATE.restarts\"\n",
		"state": "@dnsmasq[0].address=/mine.example.com/192.0.2.1\n@domain[0]=domain\n@domain[0].name=printer\n@domain[0].ip=192.168.0.77\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	apply := func(l List) []string {
		t.Helper()
		script, err := l.UCI()
		text := strings.Replace(string(script), "/etc/init.d/dnsmasq", filepath.Join(dir, "dnsmasq"), 1)
		run(t, "env", "PATH="+dir+":/usr/bin:/bin", "STATE="+filepath.Join(dir, "state"), "sh", save(t, "script", []byte(text), err))
		state, err := os.ReadFile(filepath.Join(dir, "state"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(string(state), "\n")
	}
	pets, six := list(t, pets()), list(t, six())
	apply(pets)
	once := apply(six)
	for _, want := range []string{
		"@dnsmasq[0].address=/mine.example.com/192.0.2.1", "@domain[0].name=printer",
		"@domain[1].name=app1.k8s.example.com", "@domain[1].ip=192.168.0.3", "@domain[7].ip=fd00::22",
		"@dnsmasq[0].address=/*.lan.example.com/192.168.0.5", "@dnsmasq[0].address=/*.six.example.com/fd00::21",
	} {
		if !slices.Contains(once, want) {
			t.Errorf("no %s in\n%s", want, strings.Join(once, "\n"))
		}
	}
	if twice := apply(six); !slices.Equal(once, twice) {
		t.Errorf("a second run made of\n%s\n\n%s", strings.Join(once, "\n"), strings.Join(twice, "\n"))
	}
	pets.Names = pets.Names[1:2]
	less := strings.Join(apply(pets), "\n")
	for text, times := range map[string]int{"app1.k8s": 1, "app2.k8s": 0, "lan.example.com": 0, "=kbm\n": 1, "printer": 1, "mine.example.com": 1, "*.six.example.com": 4} {
		if n := strings.Count(less, text); n != times {
			t.Errorf("%q is there %d times, not %d:\n%s", text, n, times, less)
		}
	}
	restarts, err := os.ReadFile(filepath.Join(dir, "state.restarts"))
	if want := strings.Repeat("restart\n", 4); err != nil || string(restarts) != want {
		t.Error(fmt.Sprintf("dnsmasq was told %q", restarts), err)
	}
}
