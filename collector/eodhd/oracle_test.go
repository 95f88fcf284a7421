package eodhd_test

import (
	"encoding/json"
	"errors"
	"strings"

	"tapedeck/collector/candle"
	"tapedeck/collector/eodhd"
)

// decoded is all that Decode says of a frame.
type decoded struct {
	kind    eodhd.Kind
	control eodhd.Control
	trade   candle.Trade // zero unless it is one
}

// naiveDecode is Decode once more, from the rules in its documentation and by
// encoding/json.
func naiveDecode(market eodhd.Market, symbols []string, frame []byte) decoded {
	var raw map[string]json.RawMessage
	if json.Unmarshal(frame, &raw) != nil || raw == nil || depth(frame) > 512 {
		return decoded{kind: eodhd.KindGarbage}
	}
	has := func(keys ...string) bool {
		for _, k := range keys {
			if _, ok := raw[k]; !ok {
				return false
			}
		}
		return true
	}
	size := "v"
	if market == eodhd.Crypto {
		size = "q"
	}
	if !has("s") {
		return naiveControl(raw)
	}
	if !has("p", size, "t") {
		if has("ap", "bp", "t") || has("a", "b", "t") {
			return decoded{kind: eodhd.KindQuote}
		}
		return decoded{kind: eodhd.KindUnknown}
	}
	var t candle.Trade
	unreadable := decoded{kind: eodhd.KindUnreadable}
	text, ok := stringOf(raw["s"])
	if !ok {
		return unreadable
	}
	var precision bool
	number := func(key string) (v candle.Decimal, inexact bool) {
		v, err := decimalOf(raw[key])
		if errors.Is(err, candle.ErrPrecision) {
			return v, true
		}
		ok = ok && err == nil
		return v, false
	}
	var absurd bool
	var at candle.Decimal
	t.Price, precision = number("p")
	var more bool
	t.Size, more = number(size)
	precision = precision || more
	at, absurd = number("t")
	if !ok || at.Scale != 0 {
		return unreadable
	}
	t.Time = at.Units
	if c, present := raw["c"]; present {
		if t.Conditions, ok = codesOf(c); !ok {
			return unreadable
		}
	}
	if dp, present := raw["dp"]; present && json.Unmarshal(dp, &t.Dark) != nil {
		return unreadable
	}
	for _, s := range symbols {
		if s == text {
			t.Symbol = s
		}
	}
	switch {
	case t.Symbol == "":
		return decoded{kind: eodhd.KindUnsubscribed}
	case precision:
		return decoded{kind: eodhd.KindPrecision}
	case absurd || t.Time <= 0 || t.Time > 253402300799999 || t.Price.Sign() <= 0 || t.Size.Sign() < 0:
		return decoded{kind: eodhd.KindInvalid}
	}
	return decoded{kind: eodhd.KindTrade, trade: t}
}

func naiveControl(raw map[string]json.RawMessage) decoded {
	for _, key := range []string{"status_code", "status"} {
		v, err := decimalOf(raw[key])
		if len(raw[key]) == 0 || err != nil || v.Scale != 0 || v.Units < 0 || v.Units >= 1e6 {
			continue
		}
		message, _ := stringOf(raw["message"])
		return decoded{kind: eodhd.KindControl, control: eodhd.Control{Code: int(v.Units), Message: message}}
	}
	return decoded{kind: eodhd.KindUnknown}
}

func stringOf(raw json.RawMessage) (string, bool) {
	var text string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		return "", false
	}
	return text, true
}

// decimalOf is candle.ParseDecimal, which has its own oracle, of a number or a string.
func decimalOf(raw json.RawMessage) (candle.Decimal, error) {
	if text, ok := stringOf(raw); ok {
		return candle.ParseDecimal([]byte(text))
	}
	return candle.ParseDecimal(raw) // words, arrays and objects are no numbers
}

func codesOf(raw json.RawMessage) (string, bool) {
	if string(raw) == "null" {
		return "", true
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	var text strings.Builder
	for _, code := range list {
		if strings.Trim(string(code), "-0123456789") != "" {
			return "", false
		}
		text.Write(code)
		text.WriteByte('|')
	}
	return text.String(), text.Len() <= 255
}

// depth is how deep the brackets of valid JSON are nested.
func depth(frame []byte) int {
	depth, deepest, quoted := 0, 0, false
	for i := 0; i < len(frame); i++ {
		switch c := frame[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{', c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}', c == ']':
			depth--
		}
	}
	return deepest
}
