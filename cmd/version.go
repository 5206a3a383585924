package cmd

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is what the Go tool has written into the program: the module's
// version, or the commit that it was built from.
func version() string {
	v := "(unknown)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v = info.Main.Version
	}
	return fmt.Sprintf("%s, %s, %s/%s", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
