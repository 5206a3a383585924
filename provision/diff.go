package provision

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pmezard/go-difflib/difflib"
)

// diffLimit is the size of a file, in bytes, above which no diff is shown.
const diffLimit = 256 << 10

// FetchDiffs adds a unified diff to each change of a text file that is no
// secret, in one round trip.
func FetchDiffs(ctx context.Context, host Host, p *NodePlan) error {
	wanted := map[string]item{}
	var names bytes.Buffer
	for _, it := range p.write {
		if it.typ == RegularFile && !it.secret && isText(it.content) {
			wanted[it.path] = it
		}
	}
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Action == Update && wanted[c.Object].path != "" {
			names.WriteString(strings.TrimPrefix(c.Object, "/") + "\n")
		}
	}
	if names.Len() == 0 {
		return nil
	}
	const pack = "tar -c -f - -C / --no-recursion --ignore-failed-read -T - 2>/dev/null"
	res, err := host.Run(ctx, Command{Script: pack, Stdin: &names})
	if err != nil {
		return fmt.Errorf("read files of %s: %w", p.Node, err)
	}
	old, err := untar(res.Stdout)
	if err != nil {
		return fmt.Errorf("read files of %s: %w", p.Node, err)
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		before, fetched := old[c.Object]
		if !fetched || !isText(before) {
			continue
		}
		if c.Diff, err = unified(c.Object, before, wanted[c.Object].content); err != nil {
			return fmt.Errorf("compare %s: %w", c.Object, err)
		}
	}
	return nil
}

func unified(path string, before, after []byte) (string, error) {
	return difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: lines(before), B: lines(after),
		FromFile: path + " (on the machine)", ToFile: path + " (wanted)", Context: 3,
	})
}

// lines keeps the line ends; difflib's own SplitLines makes up an empty line.
func lines(text []byte) []string {
	return slices.DeleteFunc(strings.SplitAfter(string(text), "\n"), func(line string) bool { return line == "" })
}

func isText(b []byte) bool {
	return len(b) <= diffLimit && utf8.Valid(b) && bytes.IndexByte(b, 0) < 0
}

// untar returns the regular files of an archive by absolute path.
func untar(archive []byte) (map[string][]byte, error) {
	files := map[string][]byte{}
	r := tar.NewReader(bytes.NewReader(archive))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg || h.Size > diffLimit {
			continue
		}
		body, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		files["/"+h.Name] = body
	}
}
