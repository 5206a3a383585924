// Package report is the one table in which all benchmarks tell what they have
// found: a row each, with what it was measured beside and the goal.
package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Row is one finding.
type Row struct {
	What   string
	Kbm    string
	Beside string // what the same took otherwise
	Ratio  string
	Goal   string
	Missed bool
}

// Write prints the rows as a Markdown table whose columns are aligned.
func Write(w io.Writer, rows []Row) error {
	lines := [][]string{{"what", "kbm", "beside it", "ratio", "goal", ""}, nil}
	for _, r := range rows {
		verdict := ""
		switch {
		case r.Missed:
			verdict = "MISSED"
		case r.Goal != "":
			verdict = "met"
		}
		lines = append(lines, []string{r.What, r.Kbm, r.Beside, r.Ratio, r.Goal, verdict})
	}
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for i := range widths {
		lines[1] = append(lines[1], strings.Repeat("-", max(widths[i], 3)))
	}
	for _, line := range lines {
		for i, cell := range line {
			line[i] = cell + strings.Repeat(" ", max(widths[i], 3)-utf8.RuneCountInString(cell))
		}
		if _, err := fmt.Fprintf(w, "| %s |\n", strings.Join(line, " | ")); err != nil {
			return err
		}
	}
	return nil
}

// Missed lists the goals that were not met.
func Missed(rows []Row) []string {
	var list []string
	for _, r := range rows {
		if r.Missed {
			list = append(list, r.What)
		}
	}
	return list
}

// Seconds writes a duration for the table.
func Seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// Milliseconds writes a short duration for the table.
func Milliseconds(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }

// Median of one figure of many results; the upper one of an even number.
func Median[T any, F cmp.Ordered](results []T, figure func(T) F) F {
	var all []F
	for _, r := range results {
		all = append(all, figure(r))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
