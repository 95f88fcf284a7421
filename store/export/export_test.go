package export

// Stamp lets the tests write instants one by one.
type Stamp struct{ s stamp }

func (s *Stamp) Seconds(dst []byte, millis int64) []byte { return s.s.seconds(dst, millis) }

func (s *Stamp) Millis(dst []byte, millis int64) []byte { return s.s.millis(dst, millis) }
