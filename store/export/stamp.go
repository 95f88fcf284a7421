package export

import (
	"strconv"
	"time"
)

// number says whether an instant is written as a number.
func (f TimeFormat) number() bool {
	switch f {
	case Seconds, Milliseconds, Microseconds, Nanoseconds:
		return true
	}
	return false
}

// stamp writes the instants of a column as text, and remembers the second that it wrote
// last, since the next row's is mostly the same or of the same day. The zero value is ready
// and writes RFC 3339, UTC, with three decimals.
type stamp struct {
	format TimeFormat
	zone   *time.Location // nil is UTC
	whole  bool           // seconds have no decimals

	midnight, second int64 // in seconds since the epoch by the zone's clock, of text
	text             []byte
	offset           int64 // of the zone, in seconds, from since until before until
	since            int64
	until            int64
	suffix           []byte // the offset in text
}

func newStamps(columns []column, o Options) []stamp {
	list := make([]stamp, len(columns))
	for i, c := range columns {
		list[i] = stamp{format: o.Time, zone: o.Zone, whole: c.kind == second}
	}
	return list
}

// append writes an instant (Unix ms): 2026-11-20T14:30:00.123Z.
func (s *stamp) append(dst []byte, millis int64) []byte {
	switch s.format {
	case Seconds:
		return s.appendSeconds(dst, millis)
	case Milliseconds:
		return appendUnits(dst, millis, "")
	case Microseconds:
		return appendUnits(dst, millis, "000")
	case Nanoseconds:
		return appendUnits(dst, millis, "000000")
	}
	second := floorDiv(millis, 1000)
	s.set(second)
	dst = append(dst, s.text...)
	if !s.whole {
		m := uint64(millis - second*1000)
		dst = append(dst, '.', byte('0'+m/100), byte('0'+m/10%10), byte('0'+m%10))
	}
	if s.format == Local {
		return dst
	}
	return append(dst, s.suffix...)
}

// appendSeconds writes seconds since the epoch, with three decimals unless they are whole.
func (s *stamp) appendSeconds(dst []byte, millis int64) []byte {
	if s.whole {
		return strconv.AppendInt(dst, floorDiv(millis, 1000), 10)
	}
	if millis < 0 {
		dst, millis = append(dst, '-'), -millis
	}
	m := millis % 1000
	dst = strconv.AppendInt(dst, millis/1000, 10)
	return append(dst, '.', byte('0'+m/100), byte('0'+m/10%10), byte('0'+m%10))
}

// appendUnits writes milliseconds in smaller units; zeros make them.
func appendUnits(dst []byte, millis int64, zeros string) []byte {
	if millis == 0 {
		return append(dst, '0')
	}
	return append(strconv.AppendInt(dst, millis, 10), zeros...)
}

// set makes text that of a second since the epoch.
func (s *stamp) set(second int64) {
	if second < s.since || second >= s.until {
		s.enter(second)
	}
	second += s.offset
	if second == s.second && s.text != nil {
		return
	}
	n := uint64(second - s.midnight)
	if n >= day || s.text == nil {
		layout := "2006-01-02T15:04:05"
		if s.format == Local {
			layout = "2006-01-02 15:04:05"
		}
		s.text = time.Unix(second, 0).UTC().AppendFormat(s.text[:0], layout)
		s.midnight = floorDiv(second, day) * day
	} else {
		t := s.text[len(s.text)-len("15:04:05"):]
		two(t[0:], n/3600)
		two(t[3:], n/60%60)
		two(t[6:], n%60)
	}
	s.second = second
}

const day = 24 * 60 * 60 // seconds

// enter finds the offset of the zone, and for how long it holds.
func (s *stamp) enter(second int64) {
	zone := s.zone
	if zone == nil {
		zone = time.UTC
	}
	t := time.Unix(second, 0).In(zone)
	start, end := t.ZoneBounds()
	s.since, s.until = -1<<62, 1<<62
	if !start.IsZero() {
		s.since = start.Unix()
	}
	if !end.IsZero() {
		s.until = end.Unix()
	}
	_, offset := t.Zone()
	s.offset = int64(offset)
	s.suffix = t.AppendFormat(s.suffix[:0], "Z07:00")
}

func two(dst []byte, v uint64) {
	dst[0], dst[1] = byte('0'+v/10), byte('0'+v%10)
}

// floorDiv is a/b rounded down, for b > 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
