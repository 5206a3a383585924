package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// image is the disk image of a system.
type image struct {
	format string // as QEMU names it
	size   int64  // of the disk, in bytes
}

// ImageError says why machines cannot be started from an image.
type ImageError struct {
	Path string
	Err  error
}

func (e *ImageError) Error() string { return "image " + e.Path + ": " + e.Err.Error() }

func (e *ImageError) Unwrap() error { return e.Err }

// inspectImage looks whether machines can be started from an image: one that
// nothing can start from would only be found by a wait in vain.
func inspectImage(ctx context.Context, path string) (image, error) {
	img, err := readImage(ctx, path)
	if err != nil {
		return image{}, &ImageError{Path: path, Err: err}
	}
	return img, nil
}

func readImage(ctx context.Context, path string) (image, error) {
	info, err := os.Stat(path)
	if err != nil {
		return image{}, errors.Unwrap(err) // the path is in the message already
	}
	if !info.Mode().IsRegular() {
		return image{}, errors.New("it is no file: want the image of a disk")
	}
	var answer struct {
		Format string `json:"format"`
		Size   int64  `json:"virtual-size"`
	}
	out, err := qemuImg(ctx, "info", "--output=json", path)
	if err == nil {
		err = json.Unmarshal(out, &answer)
	}
	if err != nil {
		return image{}, err
	}
	img := image{format: answer.Format, size: answer.Size}
	head, err := img.head(ctx, path)
	if err != nil {
		return image{}, err
	}
	return img, bootable(head)
}

// headSectors reach to the first words of an ISO's own header.
const headSectors = 65

// head gives the first sectors of the disk in the image.
func (img image) head(ctx context.Context, path string) (head []byte, err error) {
	dir, err := os.MkdirTemp("", "kbm-image-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	out := filepath.Join(dir, "head")
	if _, err := qemuImg(ctx, "dd", "-U", "-f", img.format, "-O", "raw", "bs=512", fmt.Sprintf("count=%d", headSectors), "if="+path, "of="+out); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}

func bootSignature() []byte { return []byte{0x55, 0xaa} }

// The layout of a disk's first sector, and the place of an ISO's name.
const (
	bootCode  = 440
	signature = 510
	isoName   = 32769
)

// compressed are the first bytes of what images are published in, and the
// program that unpacks each.
func compressed() map[string][]byte {
	return map[string][]byte{
		"xz -d": {0xfd, '7', 'z', 'X', 'Z'}, "gzip -d": {0x1f, 0x8b}, "bzip2 -d": {'B', 'Z', 'h'}, "zstd -d": {0x28, 0xb5, 0x2f, 0xfd},
	}
}

func bootable(head []byte) error {
	for program, magic := range compressed() {
		if bytes.HasPrefix(head, magic) {
			return fmt.Errorf("it is compressed: unpack it first, with %s", program)
		}
	}
	switch {
	case len(head) > isoName+5 && string(head[isoName:isoName+5]) == "CD001":
		return errors.New("it is a CD-ROM, to install or to look at a system: want the image of a disk with a system on it")
	case len(head) < signature+2 || !bytes.Equal(head[signature:signature+2], bootSignature()):
		return errors.New("it holds no disk that a computer starts from: want a cloud image for amd64")
	case bytes.Count(head[:bootCode], []byte{0}) == bootCode:
		return errors.New("its disk has no code for a BIOS to start: it is for another architecture, or for UEFI only; want a cloud image for amd64")
	}
	return nil
}

// qemuImg gives what qemu-img prints, and what it complains of as an error.
func qemuImg(ctx context.Context, args ...string) ([]byte, error) {
	var complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, "qemu-img", args...)
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("qemu-img %s: %w: %s", args[0], err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out, nil
}
