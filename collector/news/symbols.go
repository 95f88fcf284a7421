package news

import (
	"maps"
	"slices"
	"strings"
)

// symbolsMost is how many symbols of an article are kept.
const symbolsMost = 50

// Symbols are the symbols that a headline and its text name, sorted: $QLD, (NASDAQ: AAPL),
// what the feed itself says, and recorded symbols as whole words in capitals. Both texts are
// Plain; recorded may be nil.
func Symbols(title, text string, tickers []string, recorded func(symbol string) bool) []string {
	found := make(map[string]bool)
	for _, s := range [2]string{title, text} {
		cashtags(s, found)
		listings(s, found)
		if recorded != nil {
			words(s, recorded, found)
		}
	}
	for _, field := range tickers {
		for _, name := range strings.FieldsFunc(field, func(r rune) bool { return strings.ContainsRune(",; |", r) }) {
			if _, after, ok := strings.Cut(name, ":"); ok { // NASDAQ:AAPL
				name = after
			}
			if name = strings.ToUpper(strings.TrimPrefix(name, "$")); symbolAt(name) == len(name) && name != "" {
				found[name] = true
			}
		}
	}
	list := slices.Sorted(maps.Keys(found))
	return list[:min(len(list), symbolsMost)]
}

// cashtags finds $QLD: not $100, nor US$5.
func cashtags(s string, found map[string]bool) {
	for i := 0; i < len(s); i++ {
		if s[i] != '$' || i > 0 && wordByte(s[i-1]) {
			continue
		}
		if n := symbolAt(s[i+1:]); n > 0 && !wordFollows(s[i+1+n:]) {
			found[s[i+1:i+1+n]] = true
		}
	}
}

// exchanges are the names that stand before a symbol, as (NASDAQ: AAPL).
var exchanges = []string{
	"NASDAQ", "NASDAQGS", "NASDAQGM", "NASDAQCM", "NASDAQ GS", "NASDAQ GM", "NASDAQ CM", "NASDAQ GLOBAL SELECT MARKET", "NASDAQ CAPITAL MARKET",
	"NYSE", "NYSE AMERICAN", "NYSEAMERICAN", "NYSE ARCA", "NYSEARCA", "NYSE MKT", "AMEX", "ARCA", "CBOE", "CBOE BZX", "BATS",
	"OTC", "OTCMKTS", "OTC MARKETS", "OTCQB", "OTCQX", "OTC PINK", "OTC US",
}

// listings finds (NASDAQ: AAPL, MSFT; NYSE: IBM), with or without brackets.
func listings(s string, found map[string]bool) {
	for i := 0; i < len(s); i++ {
		if s[i] != ':' || !exchangeBefore(s[:i]) {
			continue
		}
		rest := s[i+1:]
		for {
			rest = strings.TrimLeft(rest, " ")
			n := symbolAt(rest)
			if n == 0 || wordFollows(rest[n:]) {
				break
			}
			// An exchange that follows a comma is none of its symbols.
			if after := strings.TrimLeft(rest[n:], " "); strings.HasPrefix(after, ":") {
				break
			}
			found[rest[:n]] = true
			if rest = strings.TrimLeft(rest[n:], " "); !strings.HasPrefix(rest, ",") {
				break
			}
			rest = rest[1:]
		}
	}
}

// exchangeBefore says whether a text ends with the name of an exchange.
func exchangeBefore(s string) bool {
	s = strings.TrimRight(s, " ")
	return slices.ContainsFunc(exchanges, func(name string) bool {
		at := len(s) - len(name)
		return at >= 0 && strings.EqualFold(s[at:], name) && (at == 0 || !wordByte(s[at-1]))
	})
}

// words finds recorded symbols that stand as a word.
func words(s string, recorded func(string) bool, found map[string]bool) {
	for i := 0; i < len(s); {
		if !wordByte(s[i]) {
			i++
			continue
		}
		end := i
		for end < len(s) && (wordByte(s[end]) || (s[end] == '.' || s[end] == '-') && end+1 < len(s) && wordByte(s[end+1])) {
			end++
		}
		for _, word := range [2]string{s[i:end], s[i : i+strings.IndexAny(s[i:end]+".", ".-")]} { // BRK.B, and QLD of QLD-based
			if word == strings.ToUpper(word) && recorded(word) {
				found[word] = true
			}
		}
		i = end
	}
}

// symbolAt is how many bytes of a symbol a text begins with: one to six capitals, and of
// another class of a share a point or a hyphen and one or two more.
func symbolAt(s string) int {
	n := capitals(s)
	if n == 0 || n > 6 {
		return 0
	}
	if len(s) > n && (s[n] == '.' || s[n] == '-') {
		if class := capitals(s[n+1:]); class > 0 && class <= 2 && !wordFollows(s[n+1+class:]) {
			return n + 1 + class
		}
	}
	return n
}

func capitals(s string) (n int) {
	for n < len(s) && s[n] >= 'A' && s[n] <= 'Z' {
		n++
	}
	return n
}

func wordFollows(s string) bool { return s != "" && wordByte(s[0]) }

// wordByte is a letter or digit; every byte of a letter that is not ASCII is one.
func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}
