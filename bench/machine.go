package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// describe tells where and when the figures were measured.
func describe(now time.Time) (string, error) {
	read := map[string]string{}
	for _, path := range []string{"/proc/meminfo", "/proc/cpuinfo", "/proc/sys/kernel/osrelease", "/proc/loadavg"} {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("describe this computer: %w", err)
		}
		read[path] = strings.TrimSpace(string(text))
	}
	var kib int64
	if _, err := fmt.Sscanf(field(read["/proc/meminfo"], "MemTotal"), "%d kB", &kib); err != nil {
		return "", fmt.Errorf("memory of this computer: %w", err)
	}
	cpu := field(read["/proc/cpuinfo"], "model name")
	if cpu == "" {
		cpu = runtime.GOARCH
	}
	load, _, _ := strings.Cut(read["/proc/loadavg"], " ")
	return fmt.Sprintf("%s: %d cores (%s), %.0f GiB of memory, Linux %s, %s, load %s at the end.\n",
		now.UTC().Format("2006-01-02 15:04 MST"), runtime.NumCPU(), cpu, float64(kib)/(1<<20),
		read["/proc/sys/kernel/osrelease"], runtime.Version(), load), nil
}

// field is the value of the first line "name: value".
func field(text, name string) string {
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
