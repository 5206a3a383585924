package provision

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// DiskFullError is a machine without room for what was to be written. Nothing
// was put in place.
type DiskFullError struct {
	Node string
	Path string // what could not be written
}

func (e *DiskFullError) Error() string {
	return fmt.Sprintf("%s: no space left on the disk of %s; nothing was changed: make room there and run again", e.Node, e.Path)
}

var noSpace = regexp.MustCompile(`(?m)(/?[^\s:']+)[':]*[^\n]*No space left on device`)

// diskError turns the complaint of a tool about a full disk into a DiskFullError.
func diskError(node string, err error) error {
	var run *RunError
	if !errors.As(err, &run) {
		return err
	}
	found := noSpace.FindStringSubmatch(run.Stderr)
	if found == nil {
		return err
	}
	return &DiskFullError{Node: node, Path: strings.Replace("/"+strings.TrimPrefix(found[1], "/"), "/"+stagingDir, "", 1)}
}
