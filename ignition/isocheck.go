package ignition

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// What the library would cut, fold or replace without a word is refused here,
// so the only names are those that arrive unchanged.
var (
	isoLabel = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)
	isoDir   = regexp.MustCompile(`^[a-z0-9_-]{1,31}$`)
	isoFile  = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]{1,8})?$`)
)

// isoFileMax leaves room for the version, ";1", in the 30 characters of a name.
const isoFileMax = 28

func checkISO(label string, files map[string][]byte) error {
	if !isoLabel.MatchString(label) {
		return fmt.Errorf("label %q: a label has 1 to 32 letters, digits, - or _", label)
	}
	if len(files) == 0 {
		return fmt.Errorf("image %s: it would be empty", label)
	}
	entries := map[string]map[string]bool{} // directory → identifier → is a directory
	for name := range files {
		if err := checkISOPath(name); err != nil {
			return err
		}
		for child, isDir := name, false; child != "."; child, isDir = path.Dir(child), true {
			dir := path.Dir(child)
			if entries[dir] == nil {
				entries[dir] = map[string]bool{}
			}
			base := path.Base(child)
			if was, ok := entries[dir][base]; ok && was != isDir {
				return fmt.Errorf("path %s: it cannot be a file and a directory", child)
			}
			entries[dir][base] = isDir
		}
	}
	for dir, children := range entries {
		if fillsSector(children) {
			return fmt.Errorf("directory %s: its records fill a sector exactly, which misplaces the rest; rename a file", dir)
		}
	}
	return nil
}

func checkISOPath(name string) error {
	parts := strings.Split(name, "/")
	base := parts[len(parts)-1]
	if !isoFile.MatchString(base) || len(base) > isoFileMax {
		return fmt.Errorf("path %q: a file name has at most %d lower-case letters, digits, - or _, and one extension of at most 8", name, isoFileMax)
	}
	dirs := parts[:len(parts)-1]
	// ECMA-119 6.8.2.1: eight levels, the root included.
	if len(dirs) > 7 {
		return fmt.Errorf("path %q: at most 7 directories deep", name)
	}
	for _, dir := range dirs {
		if !isoDir.MatchString(dir) {
			return fmt.Errorf("path %q: a directory name has at most 31 lower-case letters, digits, - or _", name)
		}
	}
	return nil
}

// fillsSector says whether the library would count one sector too few: it
// writes a further sector after records that end exactly at a sector's end.
func fillsSector(children map[string]bool) bool {
	ids := make([]string, 0, len(children))
	for name, isDir := range children {
		if !isDir {
			name += ";1"
		}
		ids = append(ids, name)
	}
	slices.Sort(ids)
	used := 68 // the records of . and ..
	for _, id := range ids {
		record := 33 + len(id) + (len(id)+1)%2
		if free := isoSector - used%isoSector; free < record {
			used += free
		}
		used += record
	}
	return used%isoSector == 0
}
