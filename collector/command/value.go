package command

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// span is a duration on the command line, such as 60s; it is not negative.
type span time.Duration

// UnmarshalText reads what time.ParseDuration does.
func (s *span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not a duration", text)
	}
	*s = span(d)
	return nil
}

// String is the span as it is read.
func (s span) String() string { return time.Duration(s).String() }

// byteSize is a size on the command line, such as 500MB or 5GB (powers of 1000) or a number of
// bytes; 0 is no limit.
type byteSize int64

// UnmarshalText reads a number with or without a unit.
func (b *byteSize) UnmarshalText(text []byte) error {
	number, factor := strings.ToUpper(strings.TrimSpace(string(text))), 1.0
	for i, unit := range []string{"KB", "MB", "GB", "TB"} {
		if bare, ok := strings.CutSuffix(number, unit); ok {
			number, factor = bare, math.Pow10(3*(i+1))
		}
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || n < 0 || n*factor > math.MaxInt64/2 {
		return fmt.Errorf("%q is not a size", text)
	}
	*b = byteSize(n * factor)
	return nil
}

// symbolList is symbols on the command line: A,B, or @FILE with one or more a line.
type symbolList []string

// UnmarshalText trims, upper-cases and removes repeats. The order stays: a simulated
// market has its busiest symbol first.
func (l *symbolList) UnmarshalText(text []byte) error {
	list := string(text)
	if name, ok := strings.CutPrefix(list, "@"); ok {
		data, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("the list of symbols: %w", err)
		}
		list = string(data)
	}
	*l = nil
	seen := make(map[string]bool)
	for _, name := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r <= ' ' }) {
		name = strings.ToUpper(name)
		if bare, ok := strings.CutSuffix(name, ".US"); ok {
			return fmt.Errorf("%q: the socket takes it and stays mute, it wants %s", name, bare)
		}
		if !seen[name] {
			seen[name] = true
			*l = append(*l, name)
		}
	}
	if len(*l) == 0 {
		return fmt.Errorf("%q names no symbol", text)
	}
	return nil
}

// database is the --db flag of every command.
type database struct {
	DB string `name:"db" help:"The file. Default: $$RAILWAY_VOLUME_MOUNT_PATH/tapedeck.db when that is set, else data/tapedeck.db." placeholder:"FILE"`
}

func (d database) path() string {
	switch volume := os.Getenv("RAILWAY_VOLUME_MOUNT_PATH"); {
	case d.DB != "":
		return d.DB
	case volume != "":
		return filepath.Join(volume, "tapedeck.db")
	}
	return filepath.Join("data", "tapedeck.db")
}
