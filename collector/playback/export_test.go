package playback

// SetBuffer makes the server cut slower readers sooner.
func (s *Server) SetBuffer(bytes int) { s.buffer = bytes }
