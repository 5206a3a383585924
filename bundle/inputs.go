package bundle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// recipe changes when the code of this package makes other bytes from the same
// rows, so that what older code built is built again.
const recipe = 2

// inputsFile remembers what each artefact was made from.
const inputsFile = "inputs.json"

// inputs are digests of what artefacts are made from, keyed by name.
type inputs map[string]string

func readInputs(dir string) inputs {
	data, err := os.ReadFile(filepath.Join(dir, inputsFile))
	if err != nil {
		return inputs{}
	}
	in := inputs{}
	if err := json.Unmarshal(data, &in); err != nil {
		return inputs{}
	}
	return in
}

// inputOf digests a component: its row, its pinned sources, the layer below it,
// the compilers, and this package's recipe.
func (w *workshop) inputOf(c component) (string, error) {
	src, err := sources(c)
	if err != nil {
		return "", err
	}
	c.Needs, c.Group = nil, "" // who needs it and what it takes is not in its bytes
	parts := []any{recipe, w.arch, w.toolchain, c, hex.EncodeToString(sum(src))}
	if l, ok := layerNamed(c.Image.Layer); ok {
		parts = append(parts, w.layerKey(l))
	}
	return digest(parts)
}

// layerKey digests a layer's row and the distribution that its packages come
// from. A package that the distribution has updated since does not change it:
// remove the build folder to fetch anew.
func (w *workshop) layerKey(l layerRow) string {
	parts := []any{recipe, w.arch, l}
	if len(l.Packages) > 0 {
		parts = append(parts, w.distribution)
	}
	key, err := digest(parts)
	if err != nil {
		return err.Error() // plain strings always encode
	}
	return key
}

func digest(parts []any) (string, error) {
	data, err := json.Marshal(parts)
	if err != nil {
		return "", fmt.Errorf("digest inputs: %w", err)
	}
	return hex.EncodeToString(sum(data)), nil
}

func sum(data []byte) []byte {
	s := sha256.Sum256(data)
	return s[:]
}

// goVersion asks the compiler itself: a go.mod may select another than the one
// that stands in PATH.
func goVersion(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return "", fmt.Errorf("ask go for its version: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// distribution names the system that apt fetches from: debian 12.
func distribution(osRelease string) string {
	var id, version string
	for line := range strings.Lines(osRelease) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch value = strings.Trim(value, `"'`); key {
		case "ID":
			id = value
		case "VERSION_ID":
			version = value
		}
	}
	return id + " " + version
}
