package news

import (
	"html"
	"strings"
	"unicode"

	xhtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Plain is HTML, or what a feed takes for it, as one line of text: without tags and what
// cannot be seen, entities decoded (twice, for some feeds write them so), blanks of any kind
// as one blank. What only looks like a tag, such as <100, stays.
func Plain(s string) string {
	if strings.ContainsAny(s, "<&") {
		s = untagged(s)
		if strings.Contains(s, "&") {
			s = html.UnescapeString(s)
		}
	}
	return oneLine(s)
}

// untagged is the text of HTML, its entities decoded.
func untagged(s string) string {
	var b strings.Builder
	z := xhtml.NewTokenizer(strings.NewReader(s))
	unseen := atom.Atom(0) // the element whose text is not for people
	for {
		kind := z.Next()
		raw := string(z.Raw()) // before the tokenizer overwrites it
		switch kind {
		case xhtml.ErrorToken:
			b.WriteString(raw) // a tag without an end is none
			return b.String()
		case xhtml.TextToken:
			if unseen == 0 {
				b.Write(z.Text())
			}
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken, xhtml.EndTagToken:
			name, _ := z.TagName()
			element := atom.Lookup(name)
			switch {
			case element == 0:
				b.WriteString(raw)
			case element == atom.Script || element == atom.Style:
				unseen = 0
				if kind == xhtml.StartTagToken {
					unseen = element
				}
			case !inline[element]:
				b.WriteByte(' ')
			}
		}
	}
}

// inline are the elements that do not part words.
var inline = map[atom.Atom]bool{
	atom.A: true, atom.Abbr: true, atom.B: true, atom.Bdi: true, atom.Bdo: true, atom.Big: true, atom.Cite: true, atom.Code: true, atom.Em: true,
	atom.Font: true, atom.I: true, atom.Ins: true, atom.Del: true, atom.Mark: true, atom.Q: true, atom.S: true, atom.Small: true, atom.Span: true,
	atom.Strong: true, atom.Sub: true, atom.Sup: true, atom.U: true, atom.Wbr: true, atom.Time: true, atom.Var: true, atom.Tt: true, atom.Strike: true,
}

// oneLine is a text without control characters and what hides or turns other characters,
// its words parted by one blank.
func oneLine(s string) string {
	var b strings.Builder
	blank := false
	for _, r := range s { // what is no UTF-8 is U+FFFD
		switch {
		case unicode.IsSpace(r):
			blank = true
			continue
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u115f', r == '\u1160':
			continue
		}
		if blank && b.Len() > 0 {
			b.WriteByte(' ')
		}
		blank = false
		b.WriteRune(r)
	}
	return b.String()
}
