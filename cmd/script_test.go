package cmd

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be kbm, so that scripts run the real thing:
// its arguments, its streams and its exit codes.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"kbm": func() { os.Exit(Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			// Nobody's own keys: HOME is a folder of the script.
			env.Setenv("HOME", env.WorkDir+"/home")
			return errors.Join(os.Mkdir(env.WorkDir+"/home", 0o755), serveHostKey(env), serveLive(env))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"mode":     mode,
			"absent":   absent,
			"upstream": upstream,
		},
	})
}

// exits CODE COMMAND… runs a command that must end with that code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// mode MODE FILE… checks permissions, such as 0600.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: mode MODE FILE…")
	}
	want, err := strconv.ParseUint(args[0], 8, 32)
	ts.Check(err)
	for _, file := range args[1:] {
		info, err := os.Stat(ts.MkAbs(file))
		ts.Check(err)
		if uint64(info.Mode().Perm()) != want {
			ts.Fatalf("%s has mode %04o, want %s", file, info.Mode().Perm(), args[0])
		}
	}
}

// absent TEXT DIR checks that no file of a folder holds a text, and no file
// of a killed or refused command is left.
func absent(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: absent TEXT DIR")
	}
	found, err := exec.Command("grep", "-rlF", "--", args[0], ts.MkAbs(args[1])).CombinedOutput()
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) || exit.ExitCode() != 1 {
		ts.Fatalf("%q is in:\n%s(%v)", args[0], found, err)
	}
}
