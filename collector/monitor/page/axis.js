// Which times are written on the chart's time axis. Pure.

import { clock, minutes, shortDate, offset } from './time.js';

const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600].map((s) => s * 1000);

// timeTicks are the labels between two slots, at least `apart` slots from each other: the
// start of each session by its date, and round times of New York between them.
export function timeTicks(slots, from, to, apart) {
  const ticks = [];
  for (const session of slots.sessions) {
    if (session.start + session.count < from || session.start > to) continue;
    ticks.push({ slot: session.start, text: shortDate(session.date), major: true });
    const inside = slots.step ? roundTimes(slots, session, from, to, apart) : counted(slots, session, from, to, apart);
    ticks.push(...inside);
  }
  return spread(ticks, apart);
}

function roundTimes(slots, session, from, to, apart) {
  const step = steps.find((s) => s >= slots.step && s / slots.step >= apart);
  if (!step) return [];
  const text = step < 60e3 ? clock : minutes;
  const ticks = [];
  const first = session.first + Math.max(0, Math.floor(from - session.start)) * slots.step;
  const last = session.first + Math.min(session.count, Math.ceil(to - session.start)) * slots.step;
  const ahead = offset(session.open);
  for (let ms = Math.ceil((first + ahead) / step) * step - ahead; ms < last; ms += step) {
    ticks.push({ slot: slots.place(session, ms), text: text(ms), major: false });
  }
  return ticks;
}

function counted(slots, session, from, to, apart) {
  const every = Math.max(1, 2 ** Math.ceil(Math.log2(apart)));
  const ticks = [];
  const first = Math.max(0, Math.floor((from - session.start) / every) * every);
  for (let n = first; n < session.count && session.start + n <= to; n += every) {
    const candle = slots.candleAt(session.start + n);
    if (candle) ticks.push({ slot: session.start + n, text: every * 20 > session.count ? minutes(candle.time) : clock(candle.time), major: false });
  }
  return ticks;
}

// spread drops what would overlap; a date wins over a time.
function spread(ticks, apart) {
  const kept = [];
  for (const tick of ticks) {
    const last = kept.at(-1);
    if (!last || tick.slot - last.slot >= apart * 0.95) kept.push(tick);
    else if (tick.major && !last.major) {
      kept.pop();
      kept.push(tick);
    }
  }
  return kept;
}
