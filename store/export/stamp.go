package export

import "time"

// stamp writes instants in RFC 3339, UTC, and remembers the second that it wrote
// last, since the next row's is mostly the same or of the same day. The zero value
// is ready.
type stamp struct {
	day, second int64  // since the epoch, of text
	text        []byte // 2026-11-20T14:30:00
}

// seconds writes the second that an instant (Unix ms) lies in, and a comma:
// 2026-11-20T14:30:00Z.
func (s *stamp) seconds(dst []byte, millis int64) []byte {
	s.set(floorDiv(millis, 1000))
	dst = append(dst, s.text...)
	return append(dst, 'Z', ',')
}

// millis writes an instant (Unix ms) and a comma: 2026-11-20T14:30:00.123Z.
func (s *stamp) millis(dst []byte, millis int64) []byte {
	second := floorDiv(millis, 1000)
	s.set(second)
	dst = append(dst, s.text...)
	m := uint64(millis - second*1000)
	return append(dst, '.', byte('0'+m/100), byte('0'+m/10%10), byte('0'+m%10), 'Z', ',')
}

func (s *stamp) set(second int64) {
	if second == s.second && s.text != nil {
		return
	}
	day := floorDiv(second, 24*60*60)
	if day != s.day || s.text == nil {
		s.text = time.Unix(second, 0).UTC().AppendFormat(s.text[:0], "2006-01-02T15:04:05")
	} else {
		t := s.text[len(s.text)-len("15:04:05"):]
		n := uint64(second - day*24*60*60)
		two(t[0:], n/3600)
		two(t[3:], n/60%60)
		two(t[6:], n%60)
	}
	s.day, s.second = day, second
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
