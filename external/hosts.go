package external

import (
	"bytes"
	"fmt"
)

// Hosts are lines for /etc/hosts between two marks. That file knows no
// wildcards: they are left out.
func (l List) Hosts() ([]byte, error) { return render("hosts", l) }

// PutBlock puts the lines of Hosts into a hosts file: in place of those that
// are there, or else at its end. Nothing else in the file changes.
func (l List) PutBlock(file []byte) ([]byte, error) {
	block, err := l.Hosts()
	if err != nil {
		return nil, err
	}
	begin, end := "# kbm "+l.Cluster+": begin\n", "# kbm "+l.Cluster+": end\n"
	from := lineStart(file, begin)
	if from < 0 {
		if len(file) > 0 && file[len(file)-1] != '\n' {
			file = append(bytes.Clone(file), '\n')
		}
		return append(bytes.Clone(file), block...), nil
	}
	length := lineStart(file[from:], end)
	if length < 0 {
		return nil, fmt.Errorf("it has the line %q and not %q: take out what kbm wrote there by hand", begin[:len(begin)-1], end[:len(end)-1])
	}
	return bytes.Join([][]byte{file[:from], block, file[from+length+len(end):]}, nil), nil
}

// lineStart finds a line; the line ends with a newline.
func lineStart(text []byte, line string) int {
	if bytes.HasPrefix(text, []byte(line)) {
		return 0
	}
	if at := bytes.Index(text, []byte("\n"+line)); at >= 0 {
		return at + 1
	}
	return -1
}
