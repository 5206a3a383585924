package bundle

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
)

// machines are the processors of the architectures, as programs name them.
func machines() map[string]elf.Machine {
	return map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
}

// checkMachine refuses a program of another architecture: a mirror may hold it
// under the wrong name, with the right checksum of it. What is no ELF file is
// for any processor.
func checkMachine(file, arch string) error {
	program, err := elf.Open(file)
	var path *fs.PathError
	if errors.As(err, &path) {
		return localError{err}
	}
	if err != nil {
		return nil
	}
	defer func() { _ = program.Close() }() // it was only read
	if want := machines()[arch]; program.Machine != want {
		return fmt.Errorf("it is a program for %s, and this bundle is for linux/%s (%s)", program.Machine, arch, want)
	}
	return nil
}
