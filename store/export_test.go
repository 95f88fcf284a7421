package store

// Sign lets tests write values with a right checksum.
var Sign = sign

// SetMaxSize makes the file as good as full at n bytes.
func (f *File) SetMaxSize(n int) { f.db.MaxSize = n }
