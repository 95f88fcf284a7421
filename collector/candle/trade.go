package candle

// Trade is one print as the feed sent it. It is a value: copying it is safe, and
// its strings are shared and never change.
type Trade struct {
	// Symbol is the bare symbol, upper case: QLD, BTC-USD.
	Symbol string
	// Time is when the exchange says it happened: Unix milliseconds, UTC. The
	// session and the candle of a trade follow from it alone.
	Time int64
	// Received is when its frame arrived, by the clock of the feed: Unix
	// milliseconds, UTC.
	Received int64
	// Price is positive, Size is not negative. Both are as printed.
	Price, Size Decimal
	// Conditions are the sale condition codes in the feed's order, each followed
	// by a bar: "14|37|41|"; empty when there are none.
	Conditions string
	// Dark is true for a print off the exchange.
	Dark bool
	// Echo marks a suspected echo: the first frame of a symbol after a
	// subscribe, which the feed fills with the last trade it knows. Set by the
	// recorder on the way in; never stored.
	Echo bool
}

// Same says whether two trades agree in what an echo repeats: symbol, time,
// price and size.
func (t *Trade) Same(o *Trade) bool {
	return t.Time == o.Time && t.Price == o.Price && t.Size == o.Size && t.Symbol == o.Symbol
}
