package store_test

import (
	"bufio"
	"encoding/hex"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
)

// tracedCalls is everything by which bytes and names get to a disk. Lines that the
// writer says come through write.
const tracedCalls = "openat,write,pwrite64,ftruncate,fdatasync,fsync,mkdirat,linkat,renameat,?renameat2,unlinkat,?link,?rename,?unlink"

// call is a system call that did not fail.
type call struct {
	name       string
	args       []string // strings decoded; of a file descriptor, its number and the path it was opened by
	result     string
	begin, end int // lines of the trace
}

// readTrace reads what strace -f -y -xx wrote: calls in the order in which they ended.
func readTrace(t *testing.T, path string) []call {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	type start struct {
		text string
		line int
	}
	unfinished := make(map[string]start)
	var calls []call
	r := bufio.NewReaderSize(file, 1<<20)
	for n := 1; ; n++ {
		line, err := r.ReadString('\n')
		if err == io.EOF {
			return calls
		}
		if err != nil {
			t.Fatal(err)
		}
		pid, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		text = strings.TrimSpace(text)
		from := n
		if head, ok := strings.CutSuffix(text, " <unfinished ...>"); ok {
			unfinished[pid] = start{head, n}
			continue
		}
		if strings.HasPrefix(text, "<... ") {
			_, rest, _ := strings.Cut(text, " resumed>")
			s := unfinished[pid]
			text, from = s.text+rest, s.line
		}
		if c, ok := parseCall(t, text); ok {
			c.begin, c.end = from, n
			calls = append(calls, c)
		}
	}
}

// parseCall reads name(args) = result. ok is false for what is no call, and for a call
// that failed.
func parseCall(t *testing.T, text string) (c call, ok bool) {
	t.Helper()
	name, rest, ok := strings.Cut(text, "(")
	if !ok || strings.ContainsAny(name, " +-") {
		return c, false
	}
	end := strings.LastIndex(rest, ")")
	for end >= 0 && !strings.HasPrefix(strings.TrimSpace(rest[end+1:]), "= ") {
		end = strings.LastIndex(rest[:end], ")") // of an explanation: = -1 ENOENT (No such file or directory)
	}
	if end < 0 {
		return c, false // never ended
	}
	c.name, c.result = name, plain(t, strings.TrimPrefix(strings.TrimSpace(rest[end+1:]), "= "))
	if strings.HasPrefix(c.result, "-1 ") || c.result == "?" {
		return c, false
	}
	for _, arg := range strings.Split(rest[:end], ", ") { // every byte of a string is \x.., so the commas are all ours
		c.args = append(c.args, plain(t, arg))
	}
	return c, true
}

// plain decodes an argument: "\x41" is A, and 3<\x41> is 3<A>.
func plain(t *testing.T, arg string) string {
	t.Helper()
	if strings.HasSuffix(arg, `"...`) {
		t.Fatal("strace cut a string short")
	}
	if !strings.Contains(arg, `\x`) {
		return strings.Trim(arg, `"`)
	}
	open, text, after := "", strings.Trim(arg, `"`), ""
	if i := strings.IndexByte(text, '<'); i >= 0 {
		j := strings.LastIndexByte(text, '>')
		open, text, after = text[:i+1], text[i+1:j], text[j:]
	}
	text, deleted := strings.CutSuffix(text, " (deleted)")
	bytes, err := hex.DecodeString(strings.ReplaceAll(text, `\x`, ""))
	if err != nil {
		t.Fatalf("strace wrote %.100q: %v", arg, err)
	}
	if deleted {
		after = " (deleted)" + after
	}
	return open + string(bytes) + after
}

// fd is the number of a file descriptor, and its path.
func fd(arg string) (number int, path string) {
	text, path, _ := strings.Cut(arg, "<")
	number, err := strconv.Atoi(text)
	if err != nil {
		number = -1 // AT_FDCWD
	}
	return number, strings.TrimSuffix(strings.TrimSuffix(path, ">"), " (deleted)")
}

func number(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
