package cmd

import (
	"encoding/json"
	"fmt"
	"strings"
)

// say prints a line for people, unless they asked for quiet or for JSON.
func (a *app) say(format string, args ...any) {
	if !a.quiet && !a.isJSON() {
		_, _ = fmt.Fprintf(a.out, format+"\n", args...)
	}
}

// note prints a remark beside the result, where no pipe takes it for one.
func (a *app) note(format string, args ...any) {
	if !a.quiet {
		_, _ = fmt.Fprintf(a.err, "kbm: note: "+format+"\n", args...)
	}
}

// warning prints what must be seen, also where quiet was asked for.
func (a *app) warning(format string, args ...any) {
	_, _ = fmt.Fprintf(a.err, "kbm: WARNING: "+format+"\n", args...)
}

func (a *app) isJSON() bool { return a.output == "json" }

// answer prints the result for machines, where that was asked for.
func (a *app) answer(v any) error {
	if !a.isJSON() {
		return nil
	}
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// count is "1 node", "2 nodes".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// dirFlag repeats --dir in a command that is proposed to the user.
func (a *app) dirFlag() string {
	if a.dir == "." {
		return ""
	}
	dir := a.dir
	if strings.ContainsAny(dir, " '\"$&();*?") {
		dir = "'" + strings.ReplaceAll(dir, "'", `'\''`) + "'"
	}
	return "--dir " + dir + " "
}

// result is answer as the last of the events that -o json gives while kbm works:
// on one line, as they are.
func (a *app) result(v any) error {
	if !a.isJSON() {
		return nil
	}
	return json.NewEncoder(a.out).Encode(v)
}
