// Package house checks the rules that the whole repository keeps, where a
// linter may not be at hand. It has no code but its tests.
package house

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module  = "github.com/kbm-dev/kbm"
	root    = "../.."
	ceiling = 400 // lines of a file
)

// imports lists what each package may import of this module, and so the one
// way in which the house is built. A package that is not here may not exist.
var imports = map[string][]string{
	"":                    {"cmd"},
	"cmd":                 {"addons", "bundle", "cluster", "external", "ignition", "internal", "lab", "pki", "provision", "templates"},
	"provision":           {"addons", "bundle", "cluster", "ignition", "internal/remote", "internal/atomicfile", "pki", "templates"},
	"lab":                 {"bundle", "cluster", "ignition", "internal/atomicfile", "internal/remote", "pki", "templates"},
	"addons":              {"bundle", "cluster", "internal/atomicfile", "pki", "templates"},
	"ignition":            {"bundle", "cluster", "internal/atomicfile", "pki", "templates"},
	"bundle":              {"cluster", "internal/atomicfile"},
	"pki":                 {"cluster", "internal/atomicfile"},
	"templates":           {"cluster"},
	"external":            {"cluster"},
	"cluster":             {},
	"internal/ssh":        {"internal/remote"},
	"internal/remote":     {},
	"internal/atomicfile": {},
	"internal/ui":         {},
	"internal/house":      {},
	"bench":               {"addons", "bundle", "cluster", "ignition", "internal", "lab", "pki", "provision", "templates"},
	"e2e":                 {"e2e/harness"},
	"e2e/harness":         {"lab"},
}

// alone lists libraries that are imported in certain files only, so that they
// can be replaced there.
var alone = map[string]*regexp.Regexp{
	"github.com/coreos/butane":      regexp.MustCompile(`^ignition/butane\.go$`),
	"github.com/kdomanski/iso9660":  regexp.MustCompile(`^ignition/iso[a-z_]*\.go$`),
	"golang.org/x/crypto/ssh/agent": regexp.MustCompile(`^internal/ssh/`),
	"github.com/spf13/cobra":        regexp.MustCompile(`^cmd/`),
}

// sshClient are the words of x/crypto/ssh that open connections: the rest,
// keys and certificates, may be used anywhere.
var sshClient = regexp.MustCompile(`\bssh\.(Dial|NewClient|NewClientConn|ClientConfig|Client|Session)\b`)

// unfinished are words of work put off or of a rule that was got round.
var unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX|nolint|InsecureIgnoreHostKey|t\.Skip\w*|b\.Skip\w*)\b`)

func TestImportsRunOneWay(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		row, known := rowOf(name)
		if !known {
			t.Errorf("package %s is not in the table of imports", name)
			continue
		}
		allowed := append([]string{row}, imports[row]...)
		for _, path := range p.Imports {
			imported, ours := strings.CutPrefix(path, module+"/")
			if !ours || within(imported, allowed) {
				continue
			}
			t.Errorf("%s imports %s: it may import %v", name, imported, imports[row])
		}
	}
}

// rowOf finds the row of a package, or of the one that it is a part of.
func rowOf(name string) (string, bool) {
	for {
		if _, ok := imports[name]; ok {
			return name, true
		}
		parent := strings.LastIndexByte(name, '/')
		if parent < 0 {
			return "", false
		}
		name = name[:parent]
	}
}

func within(path string, allowed []string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		return path == a || a != "" && strings.HasPrefix(path, a+"/")
	})
}

func TestFiles(t *testing.T) {
	for _, path := range goFiles(t) {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(string(text), "\n"); lines > ceiling {
			t.Errorf("%s has %d lines: split it, the ceiling is %d", path, lines, ceiling)
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, text, parser.SkipObjectResolution)
		if err != nil {
			t.Error(err)
			continue
		}
		if path == "internal/house/house_test.go" {
			continue // it has to name what it forbids
		}
		if word := unfinished.Find(text); word != nil {
			t.Errorf("%s says %q", path, word)
		}
		if test := strings.HasSuffix(path, "_test.go"); !test {
			checkCode(t, path, string(text), file)
		}
	}
}

func checkCode(t *testing.T, path, text string, file *ast.File) {
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		for library, where := range alone {
			if within(imported, []string{library}) && !where.MatchString(path) {
				t.Errorf("%s imports %s: only files like %s may", path, imported, where)
			}
		}
		if imported == "golang.org/x/crypto/ssh" && !strings.HasPrefix(path, "internal/ssh/") {
			if word := sshClient.FindString(text); word != "" {
				t.Errorf("%s uses %s: internal/ssh is the only client", path, word)
			}
		}
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			t.Errorf("%s has an init function", path)
		}
	}
}

type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports", "./...")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all []listed
	for dec := json.NewDecoder(bufio.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(fmt.Errorf("go list: %w", err))
	}
	return all
}

// goFiles returns every Go file of the checkout, relative to it.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"bin", "demo", "dist"}, d.Name())) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) == ".go" {
			relative, err := filepath.Rel(root, path)
			files = append(files, relative)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
