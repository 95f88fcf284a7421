// Where candles stand on the chart's x axis: sessions side by side, closed hours taking no room.
// Pure: no canvas, no network.

import { merge, indexOf } from './series.js';

const units = { s: 1000, m: 60e3, h: 3600e3 };

// stepOf is an interval's length in ms, 0 for one that counts trades.
export function stepOf(interval) {
  const [, n, unit] = /^(\d+)([a-z]+)$/.exec(interval) || [];
  return units[unit] ? Number(n) * units[unit] : 0;
}

// Slots numbers the places of candles. A time candle has the slot of its time, so a quiet
// second is an empty slot; a trade candle the slot of its number. Slots never change when an
// earlier session is put in front, so a view stays where it is; numbers may be negative.
export class Slots {
  constructor(interval) {
    this.step = stepOf(interval);
    this.sessions = []; // oldest first: {date, open, close, candles, gaps, first, start, count}
  }

  get start() { return this.sessions.length ? this.sessions[0].start : 0; }

  get end() {
    const last = this.sessions.at(-1);
    return last ? last.start + last.count : 0;
  }

  get candles() { return this.sessions.reduce((n, s) => n + s.candles.length, 0); }

  find(date) { return this.sessions.find((s) => s.date === date); }

  // add puts a session before or behind the ones that are there, by its date.
  add(session) {
    session.first = this.step ? Math.floor(session.open / this.step) * this.step : 0;
    session.count = this.#length(session);
    const before = this.sessions.length && session.open < this.sessions[0].open;
    session.start = before ? this.start - session.count : this.end;
    if (before) this.sessions.unshift(session);
    else this.sessions.push(session);
    return session;
  }

  #length(session) {
    if (this.step) return Math.max(1, Math.ceil((session.close - session.first) / this.step));
    return session.candles.at(-1)?.number || 0;
  }

  // put merges one candle into its session; it says whether anything changed.
  put(session, candle) {
    if (!merge(session.candles, candle)) return false;
    const grown = this.#length(session) - session.count;
    if (grown > 0) {
      session.count += grown;
      for (const later of this.sessions.slice(this.sessions.indexOf(session) + 1)) later.start += grown;
    }
    return true;
  }

  // slotOf is where a candle of the session stands.
  slotOf(session, candle) {
    return session.start + (this.step ? Math.floor((candle.time - session.first) / this.step) : candle.number - 1);
  }

  // sessionOf is the session that the slot lies in.
  sessionOf(slot) {
    return this.sessions.find((s) => slot >= s.start && slot < s.start + s.count);
  }

  // sessionAt is the session that the time lies in.
  sessionAt(ms) {
    return this.sessions.find((s) => ms >= s.open && ms < s.close);
  }

  // place is the slot of a time in a session, with its fraction, within the session.
  place(session, ms) {
    if (!this.step) return session.start + this.#boundary(session, ms);
    const at = (ms - session.first) / this.step;
    return session.start + Math.min(session.count, Math.max(0, at));
  }

  // boundary: for candles that count trades, between which two a time lies; a half means inside one.
  #boundary(session, ms) {
    const { candles } = session;
    let low = 0, high = candles.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (candles[middle].time <= ms) low = middle + 1;
      else high = middle;
    }
    const before = candles[low - 1];
    return before && before.lastTime > ms ? before.number - 0.5 : before ? before.number : 0;
  }

  // timeOf is when the slot begins, null for a slot outside of all sessions.
  timeOf(slot) {
    const session = this.sessionOf(slot);
    if (!session) return null;
    if (this.step) return session.first + (slot - session.start) * this.step;
    return this.candleAt(slot)?.time ?? null;
  }

  candleAt(slot) {
    const session = this.sessionOf(slot);
    if (!session) return null;
    const key = this.step ? session.first + (slot - session.start) * this.step : slot - session.start + 1;
    const at = indexOf(session.candles, key);
    const candle = session.candles[at];
    return candle && candle.key === key ? candle : null;
  }

  // each visits the candles in slots from <= slot < to, oldest first.
  each(from, to, visit) {
    for (const session of this.sessions) {
      if (session.start + session.count <= from || session.start >= to) continue;
      const { candles } = session;
      const key = this.step ? session.first + (Math.floor(from) - session.start) * this.step : Math.floor(from) - session.start + 1;
      for (let i = indexOf(candles, key); i < candles.length; i++) {
        const slot = this.slotOf(session, candles[i]);
        if (slot >= to) break;
        visit(candles[i], slot);
      }
    }
  }

  last() {
    for (let i = this.sessions.length - 1; i >= 0; i--) {
      const candle = this.sessions[i].candles.at(-1);
      if (candle) return { session: this.sessions[i], candle };
    }
    return null;
  }
}
