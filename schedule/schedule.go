// Package schedule knows when there is a session: the calendar of the New York Stock
// Exchange, the plan that the recorder follows, and the words for both.
//
// Apart from run.go and jobs.go, which wait, it is pure: it is handed a time and returns
// the session that contains it, else the next one, so that it can be asked again at any
// moment, and a late start, a suspend or a step of the clock need nothing more.
package schedule
