package ui

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Terminal is what a stream can show.
type Terminal struct {
	Interactive bool // a person watches, and the cursor can be moved
	Color       bool
	Unicode     bool
	// Size returns columns and rows, as they are now: windows change.
	Size func() (columns, rows int)
}

// Detect finds out what a stream can show. It follows https://no-color.org,
// TERM=dumb, and CI, which build servers set even where they give a terminal.
func Detect(stream io.Writer, getenv func(string) string) Terminal {
	t := Terminal{Unicode: utf8Locale(getenv), Size: func() (int, int) { return 80, 24 }}
	file, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || getenv("TERM") == "dumb" {
		return t
	}
	t.Interactive = getenv("CI") == ""
	t.Color = getenv("NO_COLOR") == ""
	t.Size = func() (int, int) {
		columns, rows, err := term.GetSize(int(file.Fd()))
		if err != nil || columns == 0 || rows == 0 {
			return 80, 24
		}
		return columns, rows
	}
	return t
}

// utf8Locale follows the order in which libc reads the locale.
func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := strings.ToLower(getenv(name)); value != "" {
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
}
