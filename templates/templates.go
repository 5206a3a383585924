// Package templates holds the text of every file that kbm puts on a node, laid
// out by where it lands, so that a reader finds a node's file by its path.
package templates

import (
	"bytes"
	"embed"
	"fmt"
	"text/template"
)

//go:embed bin etc media var
var files embed.FS

// Render fills the template of that name ("etc/kubernetes/kubelet.yaml") with
// data. A key that data does not have is an error.
func Render(name string, data any) ([]byte, error) {
	text, err := files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	t, err := template.New(name).Option("missingkey=error").Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("template %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("template %w", err)
	}
	return out.Bytes(), nil
}
