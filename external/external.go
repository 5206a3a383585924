// Package external prints what the world outside of a cluster has to know to
// reach it: the configuration of a proxy in front, and the names of a LAN. A
// cluster on bare metal has no cloud that would set these up, so they are
// written by hand, and go stale; here they follow from the spec. The package is
// pure: it asks nobody, and the same cluster and names give the same text.
package external

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"text/template"
)

//go:embed templates
var files embed.FS

// render fills one of the embedded templates.
func render(name string, data any) ([]byte, error) {
	t, err := template.New(path.Base(name)).Option("missingkey=error").ParseFS(files, "templates/"+name)
	if err != nil {
		return nil, fmt.Errorf("template %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("template %w", err)
	}
	return out.Bytes(), nil
}
