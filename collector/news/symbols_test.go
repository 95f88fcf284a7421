package news

import (
	"strings"
	"testing"
)

func TestSymbols(t *testing.T) {
	recorded := func(s string) bool { return s == "QLD" || s == "BRK.B" || s == "F" }
	for _, c := range []struct {
		title, text string
		tickers     []string
		want        string
	}{
		{title: "nothing here"},
		{title: "Why $QLD and $BRK.B rose", want: "BRK.B QLD"},
		{title: "$100 for US$5 and $5QLD, $toolow, $TOOLONGNAME, $"},
		{title: "closed down ($SPX ) today", want: "SPX"},
		{title: "A$AAPL no, \"$AAPL\" yes", want: "AAPL"},
		{title: "Apple (NASDAQ: AAPL) and (Nasdaq:MSFT)", want: "AAPL MSFT"},
		{title: "(NYSE: BRK.B), [NYSE American: X] and NYSEARCA: QLD rose", want: "BRK.B QLD X"},
		{title: "(NASDAQ: AAPL, MSFT; NYSE: IBM)", want: "AAPL IBM MSFT"},
		{title: "(NASDAQ: GOOG, NYSE: T)", want: "GOOG T"},
		{title: "(NasdaqGS: AAPL) (OTCQX: ABCDF)", want: "AAPL ABCDF"},
		{title: "NASDAQ: The index fell; MYNASDAQ: AAPL"},
		{title: "(NASDAQ: Apple) (XETRA: SAP)"},
		{title: "QLD rises", text: "as QLD-based funds and (QLD) do; qld, QLDX and XQLD do not", want: "QLD"},
		{title: "Ford, F for short; F.", want: "F"},
		{title: "BRK.B is BRK", want: "BRK.B"},
		{title: "ÄQLD is none, QLDÄ neither"},
		{tickers: []string{"AMAT,AAPL"}, want: "AAPL AMAT"},
		{tickers: []string{"NASDAQ:TSLA; nyse:ibm $QQQ", "not-a-symbol-at-all", ""}, want: "IBM QQQ TSLA"},
		{text: "Shares of $AMD.", want: "AMD"},
	} {
		if got := strings.Join(Symbols(c.title, c.text, c.tickers, recorded), " "); got != c.want {
			t.Errorf("%q %q %q: %q, want %q", c.title, c.text, c.tickers, got, c.want)
		}
	}
	if got := Symbols("QLD rises", "", nil, nil); len(got) != 0 {
		t.Errorf("nothing is recorded, and it names %q", got)
	}
	many := ""
	for a := range 26 {
		many += " $A" + string(rune('A'+a)) + " $B" + string(rune('A'+a))
	}
	if got := Symbols(many, "", nil, nil); len(got) != symbolsMost {
		t.Errorf("%d symbols", len(got))
	}
}
