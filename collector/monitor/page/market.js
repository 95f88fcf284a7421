// What the chart shows: which sessions of one symbol are loaded, and the candles that come live.

import { ask, askAll, Repeat } from './api.js';
import { Slots } from './slots.js';
import { candleOf } from './series.js';

const columns = 'time,open,high,low,close,volume,vwap,trades';

// Market fills a chart. report(problem or '', busy) says how loading goes.
export class Market {
  #chart; #report; #dates = []; #abort; #busy = false; #waiting = []; #tried = 0; #gaps; #held = '';

  constructor(chart, report, pace) {
    this.#chart = chart;
    this.#report = report;
    this.#gaps = new Repeat((signal) => this.#refreshGaps(signal), () => {}, pace);
  }

  // dates tells which sessions there are, oldest first; a session that began is loaded when
  // the newest one is on the chart.
  async dates(list) {
    this.#dates = list;
    const { slots } = this.#chart;
    for (const known of list) {
      const session = slots.find(known.date);
      if (session) session.running = known.running;
    }
    const newest = list.at(-1)?.date || '', last = slots.sessions.at(-1)?.date;
    const followed = last && last === this.#chart.newest && newest > last;
    while (this.#busy) await new Promise((done) => setTimeout(done, 200));
    if (followed && !this.#held) await this.#more(list.length - 1);
    this.#chart.newest = newest;
    this.#chart.changed();
  }

  // open shows a symbol. date is a session to look at, '' for the newest.
  async open(symbol, interval, date) {
    Object.assign(this, { symbol, interval, date });
    this.#held = date;
    this.#abort?.abort();
    this.#gaps.stop();
    const abort = (this.#abort = new AbortController());
    this.#waiting = [];
    const slots = new Slots(interval);
    const began = performance.now();
    const known = this.#dates.find((d) => d.date === date) || this.#dates.at(-1);
    this.#chart.show(slots, symbol, interval, date);
    if (!known) return this.#report('', false);
    this.#busy = true;
    this.#report('', true);
    for (let wait = 1000; ; wait = Math.min(30000, wait * 2)) {
      try {
        const session = await this.#fetch(known, abort.signal);
        if (abort.signal.aborted) return;
        slots.add(session);
        break;
      } catch (err) {
        if (abort.signal.aborted) return;
        this.#report(`${err.message} Trying again.`, true);
        await new Promise((done) => setTimeout(done, wait));
        if (abort.signal.aborted) return;
      }
    }
    this.#busy = false;
    this.#chart.newest = this.#dates.at(-1).date;
    this.#chart.began(began);
    this.#drain();
    this.#chart.show(slots, symbol, interval, date);
    this.#report('', false);
    this.#gaps.now();
  }

  // reload fetches everything in sight again: something was missed.
  async reload() {
    if (!this.symbol) return;
    const abort = this.#abort, { slots } = this.#chart;
    const session = slots.sessions.at(-1), known = session && this.#dates.find((d) => d.date === session.date);
    if (!known) return this.open(this.symbol, this.interval, this.date || '');
    try {
      const fresh = await this.#fetch(known, abort.signal);
      if (abort.signal.aborted) return;
      for (const candle of fresh.candles) slots.put(session, candle);
      session.gaps = fresh.gaps;
      this.#chart.changed();
    } catch { /* the next event or the next reset tries again */ }
  }

  // take is a candle that came live.
  take(row) {
    if (row.symbol !== this.symbol || row.interval !== this.interval) return;
    if (this.#busy) this.#waiting.push(row);
    else this.#put(row);
  }

  #put(row) {
    const candle = candleOf(row), { slots } = this.#chart;
    const session = slots.sessions.find((s) => candle.time >= (s.first || s.open) && candle.time < s.close);
    if (session && slots.put(session, candle)) this.#chart.took(candle);
  }

  #drain() {
    for (const row of this.#waiting.splice(0)) this.#put(row);
  }

  earlier() {
    const first = this.#chart.slots.sessions[0];
    this.#more(this.#dates.findIndex((d) => d.date === first.date) - 1);
  }

  later() {
    const last = this.#chart.slots.sessions.at(-1);
    const at = this.#dates.findIndex((d) => d.date === last.date);
    if (at >= 0) this.#more(at + 1);
  }

  // more loads one session beside those that are there, one at a time.
  async #more(at) {
    const known = this.#dates[at], { slots } = this.#chart;
    if (!known || this.#busy || slots.find(known.date) || Date.now() - this.#tried < 3000) return;
    const abort = this.#abort;
    this.#busy = true;
    this.#report('', true);
    try {
      const session = await this.#fetch(known, abort.signal);
      if (abort.signal.aborted) return;
      slots.add(session);
      this.#busy = false;
      this.#drain();
      this.#chart.loaded();
      this.#report('', false);
    } catch (err) {
      if (abort.signal.aborted) return;
      this.#busy = false;
      this.#tried = Date.now();
      this.#report(`${err.message} Trying again.`, false);
      setTimeout(() => this.#chart.changed(), 3100);
    }
  }

  async #fetch(known, signal) {
    const { symbol, interval, date } = { symbol: this.symbol, interval: this.interval, date: known.date };
    const more = new Slots(interval).step ? ',state' : ',number,last_time,complete';
    const [rows, strips] = await Promise.all([
      askAll('/api/candles', { symbols: symbol, interval, session: date, time: 'ms', columns: columns + more, limit: 25000 }, signal),
      ask('/api/strip', { session: date, symbols: symbol, bins: 1 }, signal),
    ]);
    const { open, close, running } = known;
    return { date, open, close, running, candles: rows.map(candleOf), gaps: strips[0]?.gaps || [] };
  }

  // gapsChanged is called when a connection broke or came back.
  gapsChanged() {
    if (this.symbol && !this.#busy) this.#gaps.now();
  }

  async #refreshGaps(signal) {
    const session = this.#chart.slots.sessions.at(-1);
    if (!session?.running) return;
    const strips = await ask('/api/strip', { session: session.date, symbols: this.symbol, bins: 1 }, signal);
    session.gaps = strips[0]?.gaps || [];
    this.#chart.changed();
  }
}
