// The chart on the page: its canvases, its view, and when it draws. What it shows are Slots,
// which others fill; what it wants more of it asks of its owner.

import { View, PriceScale } from './scale.js';
import { paint } from './paint.js';
import { gestures } from './gestures.js';
import { crosshair } from './crosshair.js';
import { Legend } from './legend.js';
import { Slots } from './slots.js';
import { make } from './dom.js';
import { palette, onPalette } from './palette.js';
import { decimals, price as priceText } from './numbers.js';

const spacing = 6; // pixels of a candle to begin with
const timeHeight = 26;

// Chart draws into root. owner: earlier() and later() are called when the view runs out of
// slots on that side; now() is the feed's time.
export class Chart {
  slots = new Slots('1m');
  news = [];
  // newest is the date of the newest session on file; candles are followed only in it.
  newest = '';
  #view = new View();
  #cross = null;
  #dirty = false;
  #live = false;
  #edge = null;
  #places = 2;
  #started = 0;
  #fit = '';

  constructor(root, owner) {
    this.root = root;
    this.owner = owner;
    this.base = make('canvas', { 'aria-hidden': 'true' });
    this.over = make('canvas', { 'aria-hidden': 'true', class: 'over' });
    this.legend = new Legend(root);
    root.prepend(this.base, this.over);
    gestures(root, this);
    new ResizeObserver(() => this.#resize()).observe(root);
    onPalette(() => this.changed());
  }

  // show starts anew with other slots. fit names a session to be seen in whole; without one
  // the newest candles are shown.
  show(slots, symbol, interval, fit) {
    this.slots = slots;
    this.#fit = fit;
    this.#cross = null;
    this.#edge = null;
    this.#places = 2;
    Object.assign(this.root.dataset, { symbol, interval });
    this.loaded();
    this.reset();
  }

  // began says when loading of what is drawn next began, for the measure chart-load.
  began(at) { this.#started ||= at; }

  // loaded is called when a session was added: prices may have more decimals.
  loaded() {
    for (const session of this.slots.sessions) {
      const { candles } = session;
      for (let i = 0; i < candles.length; i += Math.ceil(candles.length / 400)) this.#learn(candles[i]);
    }
    this.changed();
  }

  #learn(candle) {
    this.#places = Math.max(this.#places, decimals(candle.close), decimals(candle.open));
  }

  // took is called when one candle was put.
  took(candle) {
    this.#learn(candle);
    this.changed();
  }

  changed() {
    if (this.#dirty) return;
    this.#dirty = true;
    requestAnimationFrame(() => this.#draw());
  }

  // What gestures ask for.

  pan(pixels) {
    this.#view.pan(pixels);
    this.changed();
  }

  zoom(factor, x) {
    const most = Math.max(2000, 2 * Math.max(...this.slots.sessions.map((s) => s.count)));
    this.#view.zoom(factor, Math.min(x, this.#view.width), this.#view.width / most);
    this.changed();
  }

  point(x, y) {
    this.#cross = { x, y };
    this.changed();
  }

  leave() {
    this.#cross = null;
    this.legend.silence();
    this.changed();
  }

  reset() {
    const session = this.slots.find(this.#fit);
    if (session) return this.whole(session);
    this.#view.spacing = spacing;
    this.end();
  }

  home() {
    this.#view.right = this.slots.start + this.#view.span * 0.98;
    this.changed();
  }

  end() {
    this.#edge = this.#newestSlot();
    this.#view.right = this.#edge + Math.max(2, this.#view.span * 0.04);
    this.changed();
  }

  // whole shows all of a session: the one in sight, unless one is named.
  whole(session = this.slots.sessionOf(Math.min(this.slots.end, this.#view.right) - 1) || this.slots.sessions.at(-1)) {
    if (!session) return;
    this.#view.spacing = Math.min(40, this.#view.width / Math.max(1, session.count * 1.02));
    this.#view.right = session.start + session.count * 1.01;
    this.changed();
  }

  // step moves the crosshair to the next candle on that side, and says what it is.
  step(direction) {
    const view = this.#view;
    let slot = this.#cross ? Math.floor(view.slot(this.#cross.x)) + direction : Math.floor(Math.min(view.right, this.slots.end)) - 1;
    while (slot > this.slots.start && slot < this.slots.end && !this.slots.candleAt(slot)) slot += direction;
    slot = Math.max(this.slots.start, Math.min(this.slots.end - 1, slot));
    if (slot < view.left) view.right -= view.left - slot + 1;
    if (slot + 1 > view.right) view.right = slot + 1;
    const candle = this.slots.candleAt(slot);
    this.#cross = { x: view.x(slot + 0.5), y: candle && this.scale ? this.scale.y(candle.close) / this.k : 80 };
    this.legend.announce();
    this.changed();
  }

  // newestSlot is where the next candle would stand.
  #newestSlot() {
    const session = this.slots.sessions.at(-1);
    if (!session) return 0;
    if (!this.slots.step || !session.running) return this.slots.end;
    const candle = session.candles.at(-1);
    const now = Math.ceil(this.slots.place(session, this.owner.now()));
    return candle ? Math.max(now, this.slots.slotOf(session, candle) + 1) : now;
  }

  // follow moves the view along with the newest candle, if that was in sight.
  #follow() {
    const newest = this.#newestSlot();
    if (this.#live && this.#edge != null && this.#view.right >= this.#edge) this.#view.right += newest - this.#edge;
    this.#edge = newest;
    this.#live = this.slots.sessions.at(-1)?.date === this.newest;
  }

  #resize() {
    const { clientWidth, clientHeight } = this.root;
    this.k = devicePixelRatio || 1;
    for (const canvas of [this.base, this.over]) {
      canvas.width = Math.round(clientWidth * this.k);
      canvas.height = Math.round(clientHeight * this.k);
    }
    this.#draw(); // at once: a canvas whose size was set is empty until then
  }

  // measure finds how wide the price axis must be, and what is left.
  #measure() {
    const context = this.base.getContext('2d', { alpha: false });
    const price = this.slots.last()?.candle.high ?? 100;
    context.font = `${11 * this.k}px ${palette().font}`;
    const axis = context.measureText(priceText(price, this.#places)).width + 16 * this.k;
    const bottom = this.base.height - Math.round(timeHeight * this.k);
    const volumeTop = Math.round(bottom * 0.8);
    this.plot = {
      right: Math.max(1, Math.floor(this.base.width - axis)), bottom, volumeTop,
      priceTop: 44 * this.k, priceBottom: volumeTop - 16 * this.k,
    };
    const width = this.plot.right / this.k;
    if (width === this.#view.width) return;
    const fresh = this.#view.width === 1;
    this.#view.width = width;
    if (fresh) this.reset();
  }

  #fitPrices() {
    let low = Infinity, high = -Infinity;
    this.slots.each(Math.floor(this.#view.left), this.#view.right, (candle) => {
      if (candle.low < low) low = candle.low;
      if (candle.high > high) high = candle.high;
    });
    if (low > high) [low, high] = this.scale ? [this.scale.low, this.scale.high] : [0, 1];
    this.scale = new PriceScale(low, high, this.plot.priceTop, this.plot.priceBottom, 10 ** -this.#places);
    this.prices = this.slots.last() ? this.scale.ticks(46 * this.k, 10 ** -this.#places) : [];
    // The axis has the decimals its round prices need, not those of the odd print between two cents.
    this.axisPlaces = Math.max(2, ...this.prices.map((tick) => decimals(Number(tick.toFixed(this.#places)))));
  }

  #draw() {
    this.#dirty = false;
    if (!this.k || !this.base.width) return;
    const start = performance.now();
    this.#measure();
    this.#follow();
    this.#view.keep(this.slots.start, this.slots.end);
    this.#fitPrices();
    const device = Object.assign(new View(), this.#view, { spacing: this.#view.spacing * this.k, width: this.plot.right });
    const frame = {
      context: this.base.getContext('2d', { alpha: false }), k: this.k, width: this.base.width, height: this.base.height,
      plot: this.plot, view: device, scale: this.scale, prices: this.prices, slots: this.slots,
      colours: palette(), places: this.axisPlaces, news: this.#marks(),
    };
    paint(frame);
    crosshair(this.over, frame, this.#cross, this.owner.now(), this.legend);
    this.#tell(start);
    this.#want();
  }

  // marks are the headlines that fall into a session in sight.
  #marks() {
    const marks = [];
    for (const article of this.news) {
      const session = this.slots.sessionAt(article.at);
      if (!session) continue;
      const slot = Math.floor(this.slots.place(session, article.at));
      if (slot >= this.#view.left - 1 && slot <= this.#view.right) marks.push({ slot, article });
    }
    return marks;
  }

  // tell leaves what was drawn where tests and screen readers' tools find it.
  #tell(start) {
    const end = performance.now();
    performance.clearMeasures('chart-draw');
    performance.measure('chart-draw', { start, end });
    const last = this.slots.last();
    if (this.#started && last) {
      performance.clearMeasures('chart-load');
      performance.measure('chart-load', { start: this.#started, end });
      this.#started = 0;
    }
    Object.assign(this.root.dataset, {
      candles: this.slots.candles,
      span: Math.round(this.#view.span), // slots in sight
      lastTime: last ? last.candle.time : '',
      lastClose: last ? last.candle.close : '',
      holes: this.slots.sessions.reduce((n, s) => n + s.gaps.filter((gap) => gap.state === 'down').length, 0),
    });
  }

  #want() {
    if (!this.slots.sessions.length) return;
    if (this.#view.left < this.slots.start) this.owner.earlier();
    if (this.#view.right > this.slots.end && !this.#live) this.owner.later();
  }
}
