package eodhd

// key is one of the keys that frames are known to have. The zero key is any other.
type key uint8

const (
	keySymbol     key = iota + 1
	keyPrice          // p
	keyVolume         // v: the size of a trade of us
	keyQuantity       // q: the size of a trade of crypto
	keyTime           // t
	keyConditions     // c
	keyDark           // dp
	keyAskPrice       // ap, of a quote
	keyBidPrice       // bp
	keyAsk            // a, of a rate
	keyBid            // b
	keyStatusCode
	keyStatus
	keyMessage
)

var keyOfLetter = [256]key{'s': keySymbol, 'p': keyPrice, 'v': keyVolume, 'q': keyQuantity, 't': keyTime,
	'c': keyConditions, 'a': keyAsk, 'b': keyBid}

// key reads the key of a member, and all that stands before its value.
func (d *Decoder) key(b []byte, i int) (k key, end int) {
	// Nearly all keys have one or two letters, and no space around the colon.
	if i+5 < len(b) && b[i] == '"' {
		if b[i+2] == '"' && b[i+3] == ':' {
			if k = keyOfLetter[b[i+1]]; k != 0 {
				return k, space(b, i+4)
			}
		} else if b[i+3] == '"' && b[i+4] == ':' {
			if first, second := b[i+1], b[i+2]; first-'a' < 26 && second-'a' < 26 {
				return keyOfLetters(first, second), space(b, i+5)
			}
		}
	}
	if i >= len(b) || b[i] != '"' {
		return 0, -1
	}
	name, end := d.text(b, i, &d.scratch)
	if end < 0 {
		return 0, -1
	}
	switch string(name) {
	case "status_code":
		k = keyStatusCode
	case "status":
		k = keyStatus
	case "message":
		k = keyMessage
	default:
		switch len(name) {
		case 1:
			k = keyOfLetter[name[0]]
		case 2:
			k = keyOfLetters(name[0], name[1])
		}
	}
	return k, colon(b, end)
}

func keyOfLetters(first, second byte) key {
	switch [2]byte{first, second} {
	case [2]byte{'d', 'p'}:
		return keyDark
	case [2]byte{'a', 'p'}:
		return keyAskPrice
	case [2]byte{'b', 'p'}:
		return keyBidPrice
	}
	return 0
}
