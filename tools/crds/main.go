// Command crds takes custom resource definitions out of the Go modules of the
// projects that they belong to, at the versions that go.mod beside it pins.
// They are other people's text, so kbm keeps no copy: it embeds what this wrote.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// folders hold the definitions, by the module.
var folders = map[string]string{
	"github.com/cert-manager/cert-manager": "deploy/crds",
	"go.universe.tf/metallb":               "config/crd/bases",
	"sigs.k8s.io/gateway-api":              "config/crd/standard",
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: crds DIR, which gets a file NAME.json.gz for each module")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "crds:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	modules, err := download()
	if err != nil {
		return err
	}
	for _, m := range modules {
		file := filepath.Join(out, path.Base(m.Path)+".json.gz")
		if m.isIn(file) {
			continue
		}
		if err := m.write(file); err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
	}
	return nil
}

// module is one that go has verified and unpacked.
type module struct{ Path, Version, Dir string }

// download asks the network only for what Go's module cache lacks.
func download() ([]module, error) {
	args := []string{"mod", "download", "-json"}
	for name := range folders {
		args = append(args, name)
	}
	c := exec.Command("go", args...)
	c.Stderr = os.Stderr
	answers, err := c.Output()
	var modules []module
	for d := json.NewDecoder(bytes.NewReader(answers)); ; {
		var m struct {
			module
			Error string
		}
		switch readErr := d.Decode(&m); {
		case errors.Is(readErr, io.EOF) && err == nil:
			return modules, nil
		case readErr != nil:
			return nil, fmt.Errorf("go mod download: %w", errors.Join(err, readErr))
		case m.Error != "":
			return nil, errors.New(m.Error)
		}
		modules = append(modules, m.module)
	}
}

// isIn tells whether the file was made of this version: the header says so,
// which is quicker to read than the YAML.
func (m module) isIn(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	return err == nil && z.Comment == m.Version
}

// write makes one JSON list of the definitions: kbm decodes it at every run,
// and JSON is read many times faster than YAML.
func (m module) write(file string) error {
	files, err := filepath.Glob(filepath.Join(m.Dir, folders[m.Path], "*.yaml"))
	if err != nil {
		return err
	}
	var list []json.RawMessage
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		object, err := yaml.YAMLToJSON(text)
		var is struct{ Kind string }
		if err = errors.Join(err, json.Unmarshal(object, &is)); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		if is.Kind == "CustomResourceDefinition" { // gateway-api has policies as well
			list = append(list, object)
		}
	}
	if len(list) == 0 {
		return fmt.Errorf("no definitions in %s", folders[m.Path])
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".crds-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	z := gzip.NewWriter(temporary)
	z.Comment = m.Version
	if err := errors.Join(json.NewEncoder(z).Encode(list), z.Close(), temporary.Chmod(0o644), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), file)
}
