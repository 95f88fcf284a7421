package news

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestPlain(t *testing.T) {
	for html, want := range map[string]string{
		"":                       "",
		"An Atom <b>entry</b>":   "An Atom entry",
		"S&P 500":                "S&P 500",
		"AT&amp;T":               "AT&T",
		"AT&amp;amp;T":           "AT&T",
		"a &lt; b &amp; c":       "a < b & c",
		"if x<y then":            "if x<y then",
		"Price <100 today":       "Price <100 today",
		"a < b":                  "a < b",
		"one<br>two<p>three</p>": "one two three",
		"<li>one</li><li>two":    "one two",
		"mid<b>d</b>le":          "middle",
		"<script>alert(1)</script>x<style>p{}</style>y": "xy",
		"&#8212; &hellip; &nbsp;end":                    "— … end",
		"  many\t\r\n blanks\u00a0\u2003here ":          "many blanks here",
		"zero\u200bwidth \u202eevil\u202c bell\a":       "zerowidth evil bell",
		"broken \xff utf-8":                             "broken \ufffd utf-8",
		"<img src=x onerror=alert(1)>Up 5%":             "Up 5%",
		"<!-- no -->Yes<![CDATA[x]]>":                   "Yes",
		"<b":                                            "<b",
		"a <b":                                          "a <b",
		"Buy & hold <ticker>QLD</ticker>":               "Buy & hold <ticker>QLD</ticker>",
		"<title>x</title>":                              "x",
	} {
		if got := Plain(html); got != want {
			t.Errorf("%q: %q, want %q", html, got, want)
		}
	}
}

func FuzzPlain(f *testing.F) {
	for _, s := range []string{"<b>a</b>", "&amp;lt;b&gt;", "a<script>b", "<p\x00>", "<textarea><b>", "&#0;&#x80;&#xD800;", "<!--", "<![CDATA[x]]>", "\xff\xfe<"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Plain(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) && r != ' ' }) {
			t.Fatalf("%q: %q", s, got)
		}
		if strings.Contains(got, "  ") || strings.TrimSpace(got) != got || len(got) > 3*len(s)+16 {
			t.Fatalf("%q: %q", s, got)
		}
		if !strings.ContainsAny(got, "<&") && Plain(got) != got {
			t.Fatalf("%q: %q, and again %q", s, got, Plain(got))
		}
		Symbols(got, s, []string{s}, func(string) bool { return true })
	})
}
