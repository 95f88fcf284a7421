package store

// Sign lets tests write values with a right checksum.
var Sign = sign
