package ignition

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"text/tabwriter"
)

// row is one line of the listing.
type row struct {
	stage                         Stage
	mode, owner, size, digest, at string
}

// onNoMedium is the stage of binaries and images, unless they are carried.
const onNoMedium = Joined + 1

// Contents lists the whole Machine, for people: what the medium carries and
// what comes over SSH. A secret is named, and nothing of it is shown.
func (m Machine) Contents(t Target, o Options) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s: target %s, read by %s: %s for %s\n", m.Name, t.Name, t.Reader, t.Format, o.OS.Name)
	fmt.Fprintf(&b, "# medium: carried on the medium; ssh: delivered by `kbm up`\n")
	var table bytes.Buffer
	fmt.Fprintf(&table, "BY\tMODE\tOWNER\tSIZE\tSHA256\tWHAT\n")
	for _, r := range m.rows() {
		by := "medium"
		if r.stage > o.Stage && (r.stage != onNoMedium || !o.Bundle) {
			by = "ssh"
		}
		fmt.Fprintf(&table, "%s\t%s\t%s\t%s\t%s\t%s\n", by, r.mode, r.owner, r.size, r.digest, r.at)
	}
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	_, _ = w.Write(table.Bytes()) // into memory: it cannot fail
	_ = w.Flush()
	return b.Bytes()
}

func (m Machine) rows() []row {
	var rows []row
	for _, u := range m.Users {
		r := row{Base, "-", "-", "-", "-", fmt.Sprintf("user %s, SSH keys: %d", u.Name, len(u.AuthorizedKeys))}
		if u.Name != "root" {
			r.at += ", sudo"
		}
		rows = append(rows, r)
	}
	for _, d := range m.Dirs {
		rows = append(rows, row{d.Stage, fmt.Sprintf("%04o", d.Mode), orRoot(d.Owner) + ":" + orRoot(d.Group), "-", "-", d.Path + "/"})
	}
	for _, f := range m.Files {
		rows = append(rows, fileRow(f))
	}
	for _, l := range m.Links {
		rows = append(rows, row{l.Stage, "-", "root:root", "-", "-", l.Path + " -> " + l.Target})
	}
	for _, u := range m.Units {
		r := row{u.Stage, "-", "-", "-", "-", "unit " + u.Name}
		if u.Content != "" {
			r = fileRow(File{Path: r.at, Mode: 0o644, Content: []byte(u.Content), Stage: u.Stage})
		}
		if u.Enabled {
			r.at += ", enabled"
		}
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.stage, b.stage) })
	return rows
}

func fileRow(f File) row {
	r := row{f.Stage, fmt.Sprintf("%04o", f.Mode), orRoot(f.Owner) + ":" + orRoot(f.Group), fmt.Sprint(len(f.Content)), "", f.Path}
	switch {
	case f.Secret:
		r.digest = "(secret)"
	case f.Artefact != nil:
		r.stage = onNoMedium
		r.size, r.digest = fmt.Sprint(f.Artefact.Size), prefix(f.Artefact.SHA256)
	default:
		sum := sha256.Sum256(f.Content)
		r.digest = prefix(hex.EncodeToString(sum[:]))
	}
	return r
}

// prefix is enough of a digest to tell two versions apart.
func prefix(digest string) string { return digest[:min(12, len(digest))] }
