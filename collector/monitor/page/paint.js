// Drawing one frame of the chart. Everything is in device pixels: `k` is how many of them a
// CSS pixel has. A frame is {context, k, width, plot, view, scale, slots, colours, places, now, news}.

import { columns } from './series.js';
import { holes } from './gaps.js';
import { timeTicks } from './axis.js';
import { hatch } from './palette.js';
import { brief, printed, price as priceText } from './numbers.js';
import { plainly } from './words.js';

export function paint(frame) {
  const { context, width, height, colours } = frame;
  context.fillStyle = colours.card;
  context.fillRect(0, 0, width, height);
  const ticks = timeTicks(frame.slots, frame.view.left, frame.view.right, (82 * frame.k) / frame.view.spacing);
  context.save();
  context.beginPath();
  context.rect(0, 0, frame.plot.right, frame.plot.bottom);
  context.clip();
  grid(frame, ticks);
  bands(frame);
  const bars = visible(frame);
  volumes(frame, bars);
  candles(frame, bars);
  newsMarks(frame);
  context.restore();
  priceAxis(frame);
  timeAxis(frame, ticks);
}

function grid(frame, ticks) {
  const { context, k, plot, view, scale, colours, slots } = frame;
  context.fillStyle = colours.grid;
  const thin = Math.max(1, Math.floor(k));
  for (const price of frame.prices) context.fillRect(0, Math.round(scale.y(price)), plot.right, thin);
  for (const tick of ticks) if (!tick.major) context.fillRect(edge(view, tick.slot), 0, thin, plot.bottom);
  context.fillStyle = colours.line;
  context.fillRect(0, plot.volumeTop - thin, plot.right, thin);
  context.fillStyle = colours.muted;
  for (const session of slots.sessions) {
    const x = edge(view, session.start);
    for (let y = 0; session !== slots.sessions[0] && y < plot.bottom; y += 8 * k) context.fillRect(x, y, thin, 4 * k);
  }
}

const edge = (view, slot) => Math.round(view.x(slot));

// bands draws what was not heard: a hole looks like a hole, not like a quiet market.
function bands(frame) {
  const { context, k, plot, view, colours, slots } = frame;
  const down = hatch(context, colours.hole, colours['down-soft'], Math.round(8 * k), k);
  const partial = hatch(context, colours.partial, null, Math.round(9 * k), k * 0.8);
  context.font = `${Math.round(11 * k)}px ${colours.font}`;
  context.textBaseline = 'middle';
  const found = holes(slots, view.left, view.right);
  // What was lost is drawn over what was heard in part: it is narrow and must not hide.
  for (const band of [...found.filter((b) => b.gap.state !== 'down'), ...found.filter((b) => b.gap.state === 'down')]) {
    const lost = band.gap.state === 'down';
    let from = edge(view, band.from), to = edge(view, band.to);
    const least = Math.round((slots.step ? 1 : 5) * k);
    if (to - from < least) {
      from -= slots.step ? 0 : Math.floor(least / 2);
      to = from + least;
    }
    context.globalAlpha = lost ? 1 : 0.45;
    context.fillStyle = to - from < 3 * k ? colours[band.gap.state] : lost ? down : partial;
    context.fillRect(from, 0, to - from, plot.bottom);
    context.globalAlpha = 1;
    if (lost && to - from >= 3 * k) edges(frame, from, to);
    if (lost && slots.step) cause(frame, band, Math.max(0, from), Math.min(plot.right, to));
  }
}

function edges({ context, k, plot, colours }, from, to) {
  const thin = Math.max(1, Math.floor(k));
  context.fillStyle = colours.down;
  context.fillRect(from, 0, thin, plot.bottom);
  context.fillRect(to - thin, 0, thin, plot.bottom);
}

function cause(frame, band, from, to) {
  const { context, k, plot, colours } = frame;
  const room = to - from - 12 * k;
  const text = [plainly(band.gap.cause), band.gap.cause].find((words) => words && context.measureText(words).width < room);
  if (!text) return;
  const width = context.measureText(text).width + 10 * k;
  const x = Math.round((from + to - width) / 2), y = Math.round(plot.volumeTop * 0.46);
  context.fillStyle = colours.card;
  context.fillRect(x, y, width, 18 * k);
  context.fillStyle = colours.down;
  context.textAlign = 'left';
  context.fillText(text, x + 5 * k, y + 9.5 * k);
}

// visible is what is to be drawn: each candle with its x, or, when they are narrower than
// two pixels, one for each column.
function visible(frame) {
  const { view, slots } = frame;
  const bars = [];
  if (view.spacing >= 2) {
    slots.each(Math.floor(view.left) - 1, view.right, (candle, slot) => {
      bars.push({ x: Math.round(view.x(slot + 0.5)), ...pick(candle), partial: candle.state === 'partial' });
    });
    return bars;
  }
  const a = Math.max(1, Math.floor(frame.k));
  // Columns are cut at whole slots of the tape and not of the view, so that panning does not make them flicker.
  const across = a / view.spacing;
  const from = Math.floor(view.left / across) * across;
  for (const column of columns((f, t, visit) => slots.each(f, t, visit), from, view.right, across)) {
    column.x = Math.round(view.x(from + column.column * across));
    bars.push(column);
  }
  return bars;
}

const pick = ({ open, high, low, close, volume }) => ({ open, high, low, close, volume });

function widths(frame) {
  const { view, k } = frame;
  const wick = Math.max(1, Math.floor(k));
  if (view.spacing < 2) return { wick, body: wick };
  let body = Math.max(1, Math.floor(view.spacing * 0.78));
  if (body % 2 !== wick % 2 && body > 1) body--; // else the wick cannot stand in the middle
  return { wick: Math.min(wick, body), body };
}

// Both are drawn rising first, then falling: setting a colour costs more than a rectangle.
function volumes(frame, bars) {
  const { context, plot, colours, k } = frame;
  const most = bars.reduce((m, bar) => Math.max(m, bar.volume), 0);
  if (!most) return;
  const { body } = widths(frame);
  const tall = plot.bottom - plot.volumeTop - 10 * k;
  for (const rising of [true, false]) {
    context.fillStyle = colours[rising ? 'rise-soft' : 'fall-soft'];
    for (const bar of bars) {
      if (bar.close >= bar.open !== rising) continue;
      const h = Math.max(bar.volume ? 1 : 0, Math.round((bar.volume / most) * tall));
      context.fillRect(bar.x - (body >> 1), plot.bottom - h, body, h);
    }
  }
  const text = `Volume, most ${brief(most)}`;
  context.font = `${Math.round(10 * k)}px ${colours.font}`;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.fillStyle = colours.card;
  context.fillRect(12 * k, plot.volumeTop + 3 * k, context.measureText(text).width + 8 * k, 15 * k);
  context.fillStyle = colours.muted;
  context.fillText(text, 16 * k, plot.volumeTop + 11 * k);
}

function candles(frame, bars) {
  const { context, scale, colours, k } = frame;
  const { wick, body } = widths(frame);
  for (const rising of [true, false]) {
    context.fillStyle = colours[rising ? 'rise' : 'fall'];
    for (const bar of bars) {
      if (bar.close >= bar.open !== rising) continue;
      const high = Math.round(scale.y(bar.high)), low = Math.round(scale.y(bar.low));
      context.fillRect(bar.x - (wick >> 1), high, wick, Math.max(1, low - high));
      if (body <= wick) continue;
      const top = Math.round(scale.y(Math.max(bar.open, bar.close)));
      const bottom = Math.round(scale.y(Math.min(bar.open, bar.close)));
      context.fillRect(bar.x - (body >> 1), top, body, Math.max(wick, bottom - top));
    }
  }
  if (body < 5 * k) return;
  context.fillStyle = colours.partial; // a cap over candles that were not heard in whole
  for (const bar of bars) {
    if (bar.partial) context.fillRect(bar.x - (body >> 1), Math.round(scale.y(bar.high)) - 5 * k, body, 2 * k);
  }
}

function newsMarks(frame) {
  const { context, k, plot, view, colours } = frame;
  context.fillStyle = colours.accent;
  for (const mark of frame.news) {
    const x = view.x(mark.slot + 0.5), y = plot.volumeTop - 5 * k;
    context.beginPath();
    context.moveTo(x, y - 9 * k);
    context.lineTo(x + 5 * k, y);
    context.lineTo(x - 5 * k, y);
    context.fill();
  }
}

function priceAxis(frame) {
  const { context, k, plot, scale, colours, places, width } = frame;
  context.fillStyle = colours.line;
  context.fillRect(plot.right, 0, Math.max(1, Math.floor(k)), plot.bottom);
  context.font = `${Math.round(11 * k)}px ${colours.font}`;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.fillStyle = colours.muted;
  const last = frame.slots.last();
  const taken = last ? Math.round(scale.y(last.candle.close)) : NaN;
  for (const price of frame.prices) {
    const y = scale.y(price);
    if (Math.abs(y - taken) < 15 * k) continue; // the last price stands there
    if (y > 8 * k && y < plot.priceBottom) context.fillText(priceText(price, places), plot.right + 7 * k, y);
  }
  if (!last) return;
  const { close, open } = last.candle;
  const colour = colours[close >= open ? 'rise' : 'fall'];
  const y = taken;
  if (y < 0 || y > plot.priceBottom) return;
  context.fillStyle = colour;
  for (let x = 0; x < plot.right; x += 5 * k) context.fillRect(x, y, 2 * k, Math.max(1, Math.floor(k)));
  tag(frame, printed(close), plot.right + 1, y, width - plot.right - 1, colour, colours.card);
}

// tag is a label on the price axis.
export function tag({ context, k, colours }, text, x, y, width, ground, ink) {
  context.font = `${Math.round(11 * k)}px ${colours.font}`;
  context.fillStyle = ground;
  context.fillRect(x, y - 9 * k, width, 18 * k);
  context.fillStyle = ink;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.fillText(text, x + 6 * k, y + 0.5 * k);
}

function timeAxis(frame, ticks) {
  const { context, k, plot, view, colours, width } = frame;
  context.fillStyle = colours.line;
  context.fillRect(0, plot.bottom, width, Math.max(1, Math.floor(k)));
  context.textBaseline = 'middle';
  context.textAlign = 'center';
  for (const tick of ticks) {
    context.font = `${tick.major ? '600 ' : ''}${Math.round(11 * k)}px ${colours.font}`;
    context.fillStyle = tick.major ? colours.text : colours.muted;
    const half = context.measureText(tick.text).width / 2;
    const x = view.x(tick.slot);
    if (x < -half || x > plot.right) continue;
    context.fillText(tick.text, Math.min(plot.right - half, Math.max(half + 4 * k, x)), plot.bottom + 13 * k);
  }
}
