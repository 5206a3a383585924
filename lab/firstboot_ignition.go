package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// stages of Ignition, in the order of its dracut units.
func stages() []string {
	return []string{"fetch", "kargs", "disks", "mount", "files", "umount"}
}

// runIgnition runs the real Ignition over a fresh root, as a machine's initramfs
// would. Held stays open in the program, so that a machine that is being
// configured counts as busy even when this process is killed.
func runIgnition(ctx context.Context, program string, config []byte, root, dir string, held *os.File) (err error) {
	scratch, err := os.MkdirTemp(dir, "ignition-")
	if err != nil {
		return err
	}
	// The config may hold secrets, and nothing needs it afterwards.
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	configFile := filepath.Join(scratch, "config.ign")
	if err := os.WriteFile(configFile, config, 0o600); err != nil {
		return err
	}
	logPath := filepath.Join(dir, "ignition.log")
	var log bytes.Buffer
	for _, stage := range stages() {
		cmd := exec.CommandContext(ctx, program,
			"--platform=file", "--stage="+stage, "--root="+root,
			"--config-cache="+filepath.Join(scratch, "config.json"),
			"--state-file="+filepath.Join(scratch, "state"),
			"--neednet="+filepath.Join(scratch, "neednet"),
			"--log-to-stdout")
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "IGNITION_CONFIG_FILE=" + configFile}
		cmd.Stdout, cmd.Stderr = &log, &log
		cmd.ExtraFiles = []*os.File{held}
		start := log.Len()
		failed := cmd.Run()
		if err := os.WriteFile(logPath, log.Bytes(), 0o600); err != nil {
			return err
		}
		if failed != nil {
			return fmt.Errorf("ignition refused the medium in stage %s (log: %s): %w\n%s",
				stage, logPath, failed, complaint(log.String()[start:]))
		}
	}
	return nil
}

// complaint picks Ignition's own errors out of its log, or else its last lines.
func complaint(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	var bad []string
	for _, line := range lines {
		level, _, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(level) {
		case "ERROR", "CRITICAL", "EMERGENCY", "ALERT":
			bad = append(bad, line)
		}
	}
	if len(bad) == 0 {
		bad = lines
	}
	return strings.Join(bad[max(0, len(bad)-5):], "\n")
}
