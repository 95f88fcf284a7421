package schedule

import "time"

// oneOffs are the days from CalendarFrom on that no rule gives. The source of those to
// 2012 is the exchange's own list, "NYSE Special Closings" (nyse.com/publicdocs); of the
// later ones its announcements, named beside them. A trading halt and a minute of silence
// are no other hours: the session of 8 July 2015, say, is one of 6.5 hours.
var oneOffs = map[Date]Day{
	{2001, time.September, 11}: {Status: Closed, Name: "September 11 attacks"},
	{2001, time.September, 12}: {Status: Closed, Name: "September 11 attacks"},
	{2001, time.September, 13}: {Status: Closed, Name: "September 11 attacks"},
	{2001, time.September, 14}: {Status: Closed, Name: "September 11 attacks"},
	{2002, time.September, 11}: {Status: Open, Open: 12 * 60, Close: closeTime, Name: "Anniversary of the September 11 attacks"},
	{2003, time.December, 26}:  {Status: Early, Open: openTime, Close: earlyClose, Name: "Day after Christmas"},
	{2004, time.June, 11}:      {Status: Closed, Name: "Day of mourning for Ronald Reagan"},
	{2005, time.June, 1}:       {Status: Early, Open: openTime, Close: 15*60 + 56, Name: "Communication failure"},
	{2007, time.January, 2}:    {Status: Closed, Name: "Day of mourning for Gerald Ford"},
	{2012, time.October, 29}:   {Status: Closed, Name: "Hurricane Sandy"},
	{2012, time.October, 30}:   {Status: Closed, Name: "Hurricane Sandy"},
	// NYSE Group, 1 December 2018: "to honor former President George H.W. Bush".
	{2018, time.December, 5}: {Status: Closed, Name: "Day of mourning for George H. W. Bush"},
	// NYSE Group, 30 December 2024: "to honor former President Jimmy Carter".
	{2025, time.January, 9}: {Status: Closed, Name: "Day of mourning for Jimmy Carter"},
}
