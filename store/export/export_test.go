package export

import "time"

// Stamp lets the tests write instants one by one.
type Stamp struct{ millis, seconds stamp }

// NewStamp is a Stamp of a format and a zone.
func NewStamp(f TimeFormat, zone *time.Location) *Stamp {
	return &Stamp{stamp{format: f, zone: zone}, stamp{format: f, zone: zone, whole: true}}
}

func (s *Stamp) Seconds(dst []byte, millis int64) []byte {
	s.seconds.whole = true
	return s.seconds.append(dst, millis)
}

func (s *Stamp) Millis(dst []byte, millis int64) []byte { return s.millis.append(dst, millis) }
