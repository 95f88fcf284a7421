// The parts of the page that need no browser: where candles stand, what is written beside them.

import test from 'node:test';
import assert from 'node:assert/strict';
import { Slots, stepOf } from '../../page/slots.js';
import { candleOf, merge, columns } from '../../page/series.js';
import { PriceScale, View, niceStep } from '../../page/scale.js';
import { timeTicks } from '../../page/axis.js';
import { holes, gapAt, heard } from '../../page/gaps.js';

const open = Date.parse('2026-11-20T14:30:00Z'), second = 1000, minute = 60e3;

const candle = (time, close, trades = 1, more = {}) =>
  candleOf({ time, open: close, high: close + 1, low: close - 1, close, volume: 10, trades, ...more });

function session(date, candles = [], gaps = []) {
  const opened = Date.parse(`${date}T14:30:00Z`);
  return { date, open: opened, close: opened + 23400 * second, running: false, candles, gaps };
}

test('an interval is a length of time, or counts trades', () => {
  assert.deepEqual(['1s', '15m', '1h', '100t'].map(stepOf), [1000, 900e3, 3600e3, 0]);
});

test('a candle is replaced by one with as many trades or more', () => {
  const candles = [candle(open, 10, 5)];
  assert.equal(merge(candles, candle(open, 11, 4)), false);
  assert.equal(merge(candles, candle(open, 12, 5)), true);
  assert.equal(merge(candles, candle(open + 2 * second, 14)), true);
  assert.equal(merge(candles, candle(open + second, 13)), true);
  assert.deepEqual(candles.map((c) => c.close), [12, 13, 14]);
});

test('times may come as text, prices too', () => {
  const made = candleOf({ time: '2026-11-20T14:30:00Z', open: '1.5', high: '2', low: '1', close: '1.75', volume: '3', vwap: '', trades: '2' });
  assert.deepEqual([made.time, made.open, made.close, made.vwap, made.trades], [open, 1.5, 1.75, null, 2]);
});

test('sessions stand side by side and keep their slots when an earlier one comes', () => {
  const slots = new Slots('1m');
  const friday = slots.add(session('2026-11-20', [candle(open, 10)]));
  assert.deepEqual([slots.start, slots.end], [0, 390]);
  const thursday = slots.add(session('2026-11-19'));
  assert.deepEqual([thursday.start, thursday.count, friday.start, slots.start], [-390, 390, 0, -390]);
  assert.equal(slots.timeOf(-1), thursday.close - minute);
  assert.equal(slots.timeOf(390), null);
  assert.equal(slots.candleAt(0).close, 10);
  assert.equal(slots.candleAt(1), null);
});

test('an hour that began before the open has a slot', () => {
  const slots = new Slots('1h');
  const only = slots.add(session('2026-11-20', [candle(open - 30 * minute, 10)]));
  assert.equal(only.count, 7);
  assert.equal(slots.slotOf(only, only.candles[0]), 0);
});

test('candles that count trades have a slot each, and push later sessions on', () => {
  const slots = new Slots('100t');
  const first = slots.add(session('2026-11-19', [candle(open, 1, 100, { number: 1, last_time: open + 9000 })]));
  const second = slots.add(session('2026-11-20', []));
  assert.deepEqual([second.start, second.count], [1, 0]);
  slots.put(first, candle(open + 10000, 2, 3, { number: 2, last_time: open + 11000 }));
  assert.deepEqual([first.count, second.start, slots.end], [2, 2, 2]);
});

test('each visits what is in sight and nothing else', () => {
  const slots = new Slots('1s');
  slots.add(session('2026-11-20', Array.from({ length: 100 }, (_, i) => candle(open + 2 * i * second, i))));
  const seen = [];
  slots.each(10, 15, (c, slot) => seen.push([slot, c.close]));
  assert.deepEqual(seen, [[10, 5], [12, 6], [14, 7]]);
});

test('columns keep the extremes of what they fold', () => {
  const slots = new Slots('1s');
  slots.add(session('2026-11-20', [5, 9, 2, 7].map((price, i) => candle(open + i * second, price))));
  const folded = columns((from, to, visit) => slots.each(from, to, visit), 0, 4, 4);
  assert.equal(folded.length, 1);
  const { open: first, high, low, close } = folded[0];
  assert.deepEqual([first, high, low, close], [5, 10, 1, 7]);
});

test('a hole is as wide as the time it lasted', () => {
  const slots = new Slots('1m');
  const gap = { time: open + 90 * second, until: open + 150 * second, seconds: 60, state: 'down', cause: 'drop' };
  slots.add(session('2026-11-20', [], [gap]));
  const [band] = holes(slots, 0, 390);
  assert.deepEqual([band.from, band.to], [1.5, 2.5]);
  assert.equal(holes(slots, 10, 20).length, 0);
});

test('among trade candles a hole lies between two, or inside one', () => {
  const numbered = (n, from, to) => candle(open + from * second, n, 100, { number: n, last_time: open + to * second });
  const gap = (from, to) => ({ time: open + from * second, until: open + to * second, seconds: to - from, state: 'down', cause: 'drop' });
  const slots = new Slots('100t');
  slots.add(session('2026-11-20', [numbered(1, 0, 10), numbered(2, 30, 50)], [gap(12, 20), gap(22, 28), gap(35, 40)]));
  assert.deepEqual(holes(slots, 0, 2).map((b) => [b.from, b.to, b.seconds]), [[1, 1, 14], [1.5, 1.5, 5]]);
});

test('the worst gap of a slot is the one that is told', () => {
  const gaps = [{ time: 0, until: 5, state: 'partial' }, { time: 5, until: 9, state: 'down' }];
  assert.equal(gapAt(gaps, 0, 10).state, 'down');
  assert.equal(gapAt(gaps, 0, 5).state, 'partial');
  assert.equal(gapAt(gaps, 9, 10), null);
});

test('covered is what is left without the gaps', () => {
  assert.equal(heard({ open: 0, until: 100e3, gaps: [{ seconds: 1 }] }), 0.99);
  assert.equal(heard({ open: 0, until: 0, gaps: [] }), null);
});

test('round steps, and prices that come back from their pixels', () => {
  assert.deepEqual([0.011, 0.3, 1, 7].map(niceStep), [0.02, 0.5, 1, 10]);
  const scale = new PriceScale(70, 72, 0, 500);
  assert.ok(Math.abs(scale.price(scale.y(71.23)) - 71.23) < 1e-9);
  assert.ok(scale.y(72) < scale.y(70));
  const flat = new PriceScale(70, 70, 0, 500);
  assert.ok(flat.high > 70 && flat.low < 70);
});

test('zoom keeps what is under the pointer', () => {
  const view = Object.assign(new View(), { right: 390, spacing: 6, width: 1000 });
  const before = view.slot(300);
  view.zoom(1.7, 300, 0.1);
  assert.ok(Math.abs(view.slot(300) - before) < 1e-9);
  view.pan(60);
  assert.ok(view.slot(300) < before);
});

test('ticks are round New York times and the dates of sessions', () => {
  const slots = new Slots('1m');
  slots.add(session('2026-11-20'));
  slots.add(session('2026-11-19'));
  const ticks = timeTicks(slots, -60, 120, 30);
  assert.ok(ticks.some((t) => t.major && t.text === 'Fri Nov 20' && t.slot === 0));
  assert.ok(ticks.some((t) => t.text === '15:00' && t.slot === -60));
  assert.ok(ticks.some((t) => t.text === '10:30' && t.slot === 60));
  for (let i = 1; i < ticks.length; i++) assert.ok(ticks[i].slot - ticks[i - 1].slot >= 28);
});

test('prices on the axis are as round as they are written', () => {
  for (const [low, high, apart] of [[71.5, 71.7, 62], [70, 71, 40], [1, 1.1, 110]]) {
    for (const price of new PriceScale(low, high, 0, 400).ticks(apart, 0.01)) {
      assert.ok(Math.abs(price * 100 - Math.round(price * 100)) < 1e-6, String(price));
    }
  }
});
