package bundle

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"strings"
	"testing"
)

// elfFor is the shortest program for a processor.
func elfFor(t *testing.T, machine elf.Machine) []byte {
	t.Helper()
	h := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT), Ehsize: 64,
	}
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, h); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A mirror with a program under the wrong name has the right checksum of it.
func TestPullRefusesAProgramOfAnotherArchitecture(t *testing.T) {
	for machine, wrong := range map[elf.Machine]bool{elf.EM_AARCH64: true, elf.EM_X86_64: false} {
		w := newWorld(t)
		w.publish(t, "amd64")
		file := "/dl/release/" + DefaultKubernetes + "/bin/linux/amd64/kubelet"
		w.files[file] = elfFor(t, machine)
		w.files[file+".sha256"] = []byte(hexOf(w.files[file]))
		o := w.options(t.TempDir(), "kubelet")
		_, err := Pull(context.Background(), o)
		if !wrong {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "kubelet: it is a program for EM_AARCH64, and this bundle is for linux/amd64 (EM_X86_64)") {
			t.Errorf("got %v", err)
		}
		leavesNothing(t, o.Dir)
	}
}
