package ui

// Style colours text, or leaves it alone where colour is not wanted. Colour
// only ever repeats what the words say.
type Style struct{ on bool }

// Style returns the colours of this terminal.
func (t Terminal) Style() Style { return Style{on: t.Color} }

// Bold is for names and headings.
func (s Style) Bold(text string) string { return s.paint("1", text) }

// Dim is for what may be passed over.
func (s Style) Dim(text string) string { return s.paint("2", text) }

// Good is for what is as it should be.
func (s Style) Good(text string) string { return s.paint("32", text) }

// Warn is for what should be looked at.
func (s Style) Warn(text string) string { return s.paint("33", text) }

// Bad is for what failed.
func (s Style) Bad(text string) string { return s.paint("31", text) }

func (s Style) paint(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// glyphs are the marks before a line.
type glyphs struct {
	spinner                     []string
	waiting, done, warned, fail string
	cut                         string // ends a line that was cut
}

func glyphsFor(t Terminal) glyphs {
	if t.Unicode {
		return glyphs{[]string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}, "◌", "✓", "!", "✗", "…"}
	}
	return glyphs{[]string{"|", "/", "-", `\`}, ".", "+", "!", "x", "~"}
}
