package ui

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// clean makes one printable line of text: what a machine said must not move
// the cursor of the person who reads it.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// sentence joins a step and its detail.
func sentence(step, detail string) string {
	switch {
	case detail == "":
		return step
	case step == "":
		return detail
	}
	return step + ": " + detail
}

// duration is d as a person reads it: 0.4s, 12.3s, 1m05s, 1h02m.
func duration(d time.Duration) string {
	switch {
	case d < 0:
		return "0.0s"
	case d < time.Minute-50*time.Millisecond:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

// amount is how much of a transfer is done: 12.0/48.0 MiB, 25%.
func amount(done, total int64) string {
	if done <= 0 && total <= 0 {
		return ""
	}
	unit, size := "B", int64(1)
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if max(done, total) < size<<10 {
			break
		}
		unit, size = next, size<<10
	}
	number := func(n int64) string {
		if size == 1 {
			return fmt.Sprint(n)
		}
		return fmt.Sprintf("%.1f", float64(n)/float64(size))
	}
	if total <= 0 {
		return number(done) + " " + unit
	}
	return fmt.Sprintf("%s/%s %s, %d%%", number(done), number(total), unit, 100*done/total)
}
