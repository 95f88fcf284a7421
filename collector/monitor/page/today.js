// The numbers of a session, all symbols together and one by one.

import { make, byId, say, show, rows, mark } from './dom.js';
import { decimals, printed, count, seconds, percent, rate, milliseconds, absent, plural } from './numbers.js';
import { clock, day } from './time.js';
import { heard } from './gaps.js';

const few = 20;
let all = false;
let shown = () => {};

const names = [
  'Trades', 'Trades a second', 'Covered', 'In gaps', 'Traded', 'Quiet', 'Partial', 'Down',
  'Late trades', 'Reconnects', 'Lag, median', 'Lag, 99 %',
];
const states = ['traded', 'quiet', 'partial', 'down', 'unknown'];
const tiles = new Map();

export function build() {
  for (const name of names) {
    const value = make('dd', {}, absent);
    const node = make('div', { hidden: name === 'In gaps' }, make('dt', {}, name), value);
    tiles.set(name, { node, value });
    byId('tiles').append(node);
  }
  byId('all-symbols').addEventListener('click', () => {
    all = true;
    shown();
  });
}

function put(values) {
  for (const [name, { node, value }] of tiles) {
    const text = values[name];
    show(node, text != null);
    say(value, text ?? '');
  }
  const lost = values.Down && !['0 s', absent].includes(values.Down);
  mark(tiles.get('Down').node, 'data-level', lost ? 'bad' : '');
}

const sum = (list, key) => list.reduce((n, one) => n + (one[key] || 0), 0);

// live shows the numbers of the status event.
export function live({ symbols, numbers, session, mode }, now) {
  const heardInWhole = sum(symbols, 'traded') + sum(symbols, 'quiet');
  const known = heardInWhole + sum(symbols, 'partial') + sum(symbols, 'down');
  put({
    Trades: count(numbers.trades), 'Trades a second': mode === 'viewing' || !session?.running ? null : rate(numbers.rate),
    Covered: percent(known ? heardInWhole / known : null),
    Traded: seconds(sum(symbols, 'traded')), Quiet: seconds(sum(symbols, 'quiet')),
    Partial: seconds(sum(symbols, 'partial')), Down: seconds(sum(symbols, 'down')),
    'Late trades': count(numbers.late), Reconnects: count(numbers.reconnects),
    'Lag, median': lag(numbers.lag_p50), 'Lag, 99 %': lag(numbers.lag_p99),
  });
  say(byId('numbers-note'), symbols.length > 1 ? `Seconds of ${plural(symbols.length, 'symbol')} together.` : '');
  shown = () => table(symbols.map((s) => [
    s.symbol, lastPrice(s.last_price), lastTrade(s.last_trade, now), count(s.trades), percent(s.covered),
    ...states.map((state) => count(s[state])),
  ]));
  shown();
}

// A price is written as it was printed, but not with fewer decimals than prices have.
const lastPrice = (text) => (text == null || decimals(text) >= 2 ? text ?? absent : printed(Number(text)));

const lag = (ms) => (ms == null ? null : milliseconds(ms));

const lastTrade = (ms, now) => (ms == null ? absent : now - ms > 86400e3 ? `${day(ms)} ${clock(ms)}` : clock(ms));

// earlier shows what is known of a session that has ended: its trades by the list of sessions,
// and the rest by its strips. A gap has one state for all its seconds, so they are not told apart
// unless a strip comes with its totals.
export function earlier(session, strips) {
  const whole = strips.length > 0 && strips.every((strip) => strip.traded != null);
  const shares = strips.map(heard).filter((share) => share != null);
  const total = (state) => (whole ? seconds(sum(strips, state)) : null);
  put({
    Trades: count(session.trades), Covered: percent(shares.length ? shares.reduce((a, b) => a + b, 0) / shares.length : null),
    Traded: total('traded'), Quiet: total('quiet'), Partial: total('partial'), Down: total('down'),
    'In gaps': whole ? null : seconds(strips.reduce((n, strip) => n + sum(strip.gaps, 'seconds'), 0)),
  });
  say(byId('numbers-note'), strips.length > 1 ? `Seconds of ${plural(strips.length, 'symbol')} together.` : '');
  shown = () => table(!whole ? [] : strips.map((strip) => [
    strip.symbol, lastPrice(strip.last_price), absent, count(strip.trades), percent(heard(strip)), ...states.map((state) => count(strip[state])),
  ]));
  shown();
}

function table(lines) {
  rows(byId('symbol-rows'), all ? lines : lines.slice(0, few));
  show(byId('all-symbols'), !all && lines.length > few);
  say(byId('all-symbols'), `Show all ${count(lines.length)} symbols`);
  show(byId('symbol-table'), lines.length > 0);
}
