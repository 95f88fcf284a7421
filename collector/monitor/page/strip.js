// One row of coverage: a canvas with every second of a session, and a tooltip for its gaps.

import { make, say, mark } from './dom.js';
import { palette, hatch } from './palette.js';
import { clock, duration } from './time.js';
import { because, meaning } from './words.js';
import { plural } from './numbers.js';
import * as tooltip from './tooltip.js';

const rank = { down: 3, partial: 2, unknown: 1 };

// Strip is a focusable canvas. The arrow keys move along its gaps.
export class Strip {
  #strip = null; #at = -1;

  constructor(symbol) {
    this.symbol = symbol;
    this.node = make('canvas', { class: 'strip', tabindex: '0', role: 'img' });
    this.node.addEventListener('pointermove', (event) => this.#point(event));
    this.node.addEventListener('pointerdown', (event) => this.#point(event));
    this.node.addEventListener('pointerleave', () => tooltip.hide());
    this.node.addEventListener('blur', () => tooltip.hide());
    this.node.addEventListener('focus', () => this.node.matches(':focus-visible') && this.#go(Math.max(0, this.#at)));
    this.node.addEventListener('keydown', (event) => this.#key(event));
    watcher.observe(this.node);
    strips.set(this.node, this);
  }

  leave() {
    watcher.unobserve(this.node);
    strips.delete(this.node);
  }

  get gaps() { return this.#strip?.gaps || []; }

  show(strip) {
    const before = this.#strip;
    this.#strip = strip;
    if (before && same(before, strip)) return;
    const long = duration(this.gaps.reduce((n, gap) => n + gap.seconds, 0));
    const words = this.gaps.length ? `${plural(this.gaps.length, 'gap')}, ${long} in all. Arrow keys move along them` : 'no gap';
    mark(this.node, 'aria-label', `Coverage of ${this.symbol}: ${words}`);
    mark(this.node, 'role', this.gaps.length ? 'slider' : 'img');
    if (this.gaps.length) {
      mark(this.node, 'aria-valuemin', '1');
      mark(this.node, 'aria-valuemax', String(this.gaps.length));
      mark(this.node, 'aria-valuenow', String(Math.max(0, this.#at) + 1));
      mark(this.node, 'aria-valuetext', describe(this.gaps[Math.max(0, this.#at)] || this.gaps[0]));
    }
    this.draw();
  }

  draw() {
    const k = devicePixelRatio || 1, width = Math.round(this.node.clientWidth * k), height = Math.round(this.node.clientHeight * k);
    if (!width || !this.#strip) return;
    if (this.node.width !== width) this.node.width = width;
    if (this.node.height !== height) this.node.height = height;
    const context = this.node.getContext('2d');
    context.clearRect(0, 0, width, this.node.height);
    drawStrip(context, this.#strip, width, this.node.height, k, palette());
  }

  #point(event) {
    if (!this.#strip) return;
    const box = this.node.getBoundingClientRect();
    const { open, close } = this.#strip;
    const ms = open + ((event.clientX - box.left) / box.width) * (close - open);
    const near = ((close - open) / box.width) * 4; // a second of a day is narrower than a hand is steady
    const gap = nearest(this.gaps, ms, near);
    tooltip.show(gap ? describe(gap) : bin(this.#strip, ms), event.clientX, box.top, gap?.state);
  }

  #key(event) {
    const next = this.#at + 1, last = this.#at - 1;
    const move = { ArrowRight: next, ArrowLeft: last, ArrowDown: next, ArrowUp: last, Home: 0, End: this.gaps.length - 1 }[event.key];
    if (event.key === 'Escape') tooltip.hide();
    if (move == null || !this.gaps.length) return;
    event.preventDefault();
    this.#go(move);
  }

  #go(at) {
    if (!this.gaps.length) return;
    this.#at = Math.max(0, Math.min(this.gaps.length - 1, at));
    const gap = this.gaps[this.#at], box = this.node.getBoundingClientRect(), { open, close } = this.#strip;
    tooltip.show(describe(gap), box.left + (((gap.time + gap.until) / 2 - open) / (close - open)) * box.width, box.top, gap.state);
    mark(this.node, 'aria-valuenow', String(this.#at + 1));
    mark(this.node, 'aria-valuetext', `${describe(gap)}, ${this.#at + 1} of ${this.gaps.length}`);
  }
}

const strips = new Map();
const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) strips.get(target)?.draw();
});

export function redraw() {
  for (const strip of strips.values()) strip.draw();
}

// same: nothing to draw anew. Gaps are only added, or the last one grows.
const same = (a, b) => a.open === b.open && a.bins === b.bins && a.gaps.length === b.gaps.length && a.gaps.at(-1)?.until === b.gaps.at(-1)?.until;

function nearest(gaps, ms, near) {
  let best = null, distance = near;
  for (const gap of gaps) {
    const away = Math.max(gap.time - ms, ms - gap.until, 0);
    if (away > near) continue;
    if (!best || rank[gap.state] > rank[best.state] || (gap.state === best.state && away < distance)) [best, distance] = [gap, away];
  }
  return best;
}

// describe says a gap in one line.
export const describe = (gap) =>
  `${clock(gap.time)} to ${clock(gap.until)}: ${duration(gap.seconds)} ${gap.state}${gap.cause ? `, ${because(gap.cause)}` : ''}`;

function busy(tenths) {
  if (!tenths) return 'heard, hardly any trade';
  return `heard, traded in ${tenths === 9 ? 'nearly all' : `about ${tenths}0 %`} of its seconds`;
}

// bin says what the bin at that time was.
function bin(strip, ms) {
  const at = Math.max(0, Math.min(strip.bins.length - 1, Math.floor((ms - strip.open) / strip.step)));
  const from = strip.open + at * strip.step, mark = strip.bins[at];
  const words = /\d/.test(mark) ? busy(Number(mark))
    : { q: meaning('quiet'), p: meaning('partial'), d: meaning('down'), u: meaning('unknown'), '.': meaning('ahead') }[mark] || '';
  return `${clock(from)} to ${clock(Math.min(from + strip.step, strip.close))}: ${words}`;
}

// drawStrip draws the bins, then the gaps exactly over them, the worst last.
export function drawStrip(context, strip, width, tall, k, colours) {
  const { open, close, step, bins } = strip;
  const x = (ms) => Math.round(((Math.min(ms, close) - open) / (close - open)) * width);
  const fills = {
    p: hatch(context, colours.partial, colours.card, Math.round(4 * k), 1.6 * k),
    u: hatch(context, colours.unknown, colours.ahead, Math.round(6 * k), k),
    d: colours.down,
  };
  const inset = Math.round(3 * k), inner = tall - 2 * inset;
  [...bins].forEach((sign, i) => {
    const from = x(open + i * step), wide = Math.max(1, x(open + (i + 1) * step) - from);
    const rise = Math.round(inner * (/\d/.test(sign) ? (Number(sign) + 0.5) / 9.5 : 0));
    // A bin with a gap is pale: the gap itself is drawn over it, to the second.
    context.fillStyle = sign === '.' ? colours.ahead : sign === 'u' ? fills.u : colours.quiet;
    context.fillRect(from, inset, wide, inner);
    if (!rise) return;
    context.fillStyle = colours.traded;
    context.fillRect(from, tall - inset - rise, wide, rise);
  });
  // Gaps reach over the edges of the row: one lost second of a day is still seen.
  const least = Math.ceil(k);
  for (const gap of [...strip.gaps].sort((a, b) => rank[a.state] - rank[b.state])) {
    const from = x(gap.time), wide = Math.max(least, x(gap.until) - from);
    const lost = gap.state === 'down';
    context.fillStyle = wide < 5 * k ? colours[gap.state] : fills[gap.state[0]]; // narrow hatching is only a blur
    context.fillRect(from, lost ? 0 : inset, wide, lost ? tall : tall - 2 * inset);
  }
}
