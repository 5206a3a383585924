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

// "tar: var/lib/a: Cannot write: No space left on device", and the like of cp,
// mkdir and sync, which put the path in quotes.
var noSpace = regexp.MustCompile(`(?m)^[^\n]*?(?:: |')(/?[^\s:']*/[^\s:']+)[':][^\n]*(?:No space left on device|Wrote only)`)

// diskError turns the complaint of a tool about a full disk into a DiskFullError.
func diskError(node string, err error) error {
	var run *RunError
	if !errors.As(err, &run) || !strings.Contains(run.Stderr, "No space left on device") {
		return err
	}
	full := &DiskFullError{Node: node, Path: stateDir}
	if found := noSpace.FindStringSubmatch(run.Stderr); found != nil {
		full.Path = strings.Replace("/"+strings.TrimPrefix(found[1], "/"), "/"+stagingDir, "", 1)
	}
	return full
}
