//go:build lab

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// pages are those of docs/tasks, in an order in which one can go on from
// another. What a page must not change is true of all: the cluster is theirs.
var pages = []string{"expose-an-app", "a-wildcard-certificate", "sign-in-in-front-of-an-app", "names-on-my-lan", "haproxy-in-front", "from-ingress-nginx"}

// labOfPages puts the lab in the place of what the pages take for granted.
func labOfPages(page, ca string) string {
	zones := ""
	if strings.Contains(page, "\n  dns:\n") {
		zones = ", dns01: [apps.example.com]"
	}
	return strings.NewReplacer(
		"203.0.113.7", "10.90.0.13",
		"192.168.1.53", harness.Gateway,
		"192.168.1.240", "10.90.0.240",
		"192.168.1.250", "10.90.0.250",
		"192.168.1.5", harness.Gateway,
		"https://accounts.example.com", ssoURL,
		"    emailDomains: [example.com]", "    emailDomains: [example.com]\n    caFile: "+ca,
		// Let's Encrypt is played by a server in the lab.
		"    email: me@example.com", `    email: me@example.com
    resolvers: ["`+nameServer+`"]
    issuers:
    - {name: letsencrypt-staging, server: "`+acmeURL+`", caFile: `+ca+`, class: external}
    - {name: letsencrypt-production, server: "`+acmeURL+`", caFile: `+ca+`, class: external`+zones+`}`,
	).Replace(page)
}

// pagesAreTrue does what each page of docs/tasks tells its reader to do, and
// compares what comes out with what the page says. The blocks of a page are
// taken in their order: YAML that begins with a file's name goes to that file,
// or to the end of cluster.yaml; sh runs; text is what the sh before it printed.
func pagesAreTrue(t *testing.T, c *harness.Cluster) {
	// The test's own server answers for all names that there are.
	c.Edit(t, "cluster.yaml", "# resolvers: [192.168.1.1]", "resolvers: ["+harness.Gateway+"]")
	tsig := startBind(t, c, "hello A "+c.Address(t, "ed1"), "auth A "+c.Address(t, "ed1"))
	client := startSSO(t, c, "auth.example.com")
	root := startACME(t, c)
	ca, _, _ := serversCA(t, c)
	c.Env = append(c.Env, "TSIG_KEY="+tsig, "OIDC_SECRET="+client, "CURL_CA_BUNDLE="+root)
	for _, name := range pages {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(checkout(t), "docs/tasks", name+".md"))
			if err != nil {
				t.Fatal(err)
			}
			readPage(t, c, blocks(labOfPages(string(text), filepath.Base(ca))))
		})
	}
	t.Run("every page is done", func(t *testing.T) {
		found, err := filepath.Glob(filepath.Join(checkout(t), "docs/tasks/*.md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range found {
			if name := strings.TrimSuffix(filepath.Base(page), ".md"); !slices.Contains(pages, name) {
				t.Errorf("docs/tasks/%s.md is not among the pages that this test does", name)
			}
		}
	})
}

// block is a fenced block of a page.
type block struct{ language, text string }

var fenced = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

func blocks(page string) (all []block) {
	for _, found := range fenced.FindAllStringSubmatch(page, -1) {
		all = append(all, block{found[1], found[2]})
	}
	return all
}

// readPage does what the blocks say, each sh in a shell of its own. What a text
// shows may take a moment to come true: as a reader would, the test runs the
// lines above it again until they print it.
func readPage(t *testing.T, c *harness.Cluster, page []block) {
	for i, b := range page {
		switch b.language {
		case "yaml":
			b.write(t, c)
		case "sh":
			shown := ""
			if i+1 < len(page) && page[i+1].language == "text" {
				shown = page[i+1].text
			}
			b.run(t, c, shown)
		case "text":
			if i == 0 || page[i-1].language != "sh" {
				t.Fatalf("text that no sh before it prints:\n%s", b.text)
			}
		default:
			t.Fatalf("the test does not know what to do with a block of %s", b.language)
		}
	}
}

func (b block) run(t *testing.T, c *harness.Cluster, shown string) {
	r := inFolder(t, c, b.text)
	if shown == "" && r.Code != 0 {
		t.Fatalf("%s\n%s", b.text, r.All())
	}
	if shown == "" {
		return
	}
	c.Eventually(t, reachable, func() error {
		fault := prints(r.Stdout, shown)
		if r.Code != 0 {
			fault = fmt.Errorf("it ends with %d", r.Code)
		}
		if fault == nil {
			return nil
		}
		last := r
		r = inFolder(t, c, b.text)
		return fmt.Errorf("%s\n%w: %s", b.text, fault, last.All())
	})
}

var titled = regexp.MustCompile(`^# (\S+\.yaml)( .*)?\n`)

// write puts YAML where its first line says. What follows the file's name there
// makes it a variant, which is only checked.
func (b block) write(t *testing.T, c *harness.Cluster) {
	title := titled.FindStringSubmatch(b.text)
	if title == nil {
		t.Fatalf("YAML that names no file:\n%s", b.text)
	}
	if title[1] != "cluster.yaml" {
		if err := os.WriteFile(filepath.Join(c.Dir, title[1]), []byte(b.text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	before := c.Read(t, "cluster.yaml")
	setAddons(t, c, strings.TrimPrefix(b.text, title[0]))
	if title[2] == "" {
		return
	}
	if checked := c.Kbm(t, "validate"); checked.Code != 0 {
		t.Errorf("cluster.yaml%s: %s", title[2], checked.All())
	}
	if err := os.WriteFile(filepath.Join(c.Dir, "cluster.yaml"), []byte(before), 0o644); err != nil {
		t.Fatal(err)
	}
}

// inFolder runs a script in the cluster's folder, on the machine outside, whose
// resolver is the test's.
func inFolder(t *testing.T, c *harness.Cluster, script string) harness.Result {
	t.Helper()
	resolv := c.Outside(t, "resolv.conf")
	once(t, resolv, func() string { return "nameserver " + harness.Gateway + "\n" })
	before := fmt.Sprintf(`mount --bind %s /etc/resolv.conf; cd %s; kbm() { %s "$@"; }`, resolv, c.Dir, c.Program())
	return c.Exec(t, "unshare", "--mount", "sh", "-euxc", before+"\n"+script)
}

// prints compares line by line: each line that a page shows has to be in what
// was printed, in this order; … stands for anything, and so does any space.
func prints(printed, shown string) error {
	lines := strings.Split(strings.TrimSpace(printed), "\n")
	for want := range strings.Lines(shown) {
		pattern := regexp.QuoteMeta(strings.Join(strings.Fields(want), " "))
		line := regexp.MustCompile("^" + strings.ReplaceAll(pattern, "…", ".*") + "$")
		at := slices.IndexFunc(lines, func(l string) bool { return line.MatchString(strings.Join(strings.Fields(l), " ")) })
		if at < 0 {
			return fmt.Errorf("no line %q in what it prints", strings.TrimSpace(want))
		}
		lines = lines[at+1:]
	}
	return nil
}
