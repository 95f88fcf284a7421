// The section of coverage: a strip for each symbol, their filter, and the gaps as a table.

import { make, byId, say, show, rows } from './dom.js';
import { Strip, redraw } from './strip.js';
import { ask, Repeat } from './api.js';
import { onPalette, palette } from './palette.js';
import { clock, minutes, duration, offset } from './time.js';
import { plural, count, percent } from './numbers.js';
import { because } from './words.js';
import { heard } from './gaps.js';

const few = 20;
const mostGaps = 500; // rows of the table: more is what the coverage download is for

// Coverage shows the session it is told to. pick(symbol) is called when a symbol is chosen.
export class Coverage {
  #symbols = []; #shares = new Map(); #lines = new Map(); #limit = few; #session = null; #strips = []; #pick; #repeat; #asked = '';

  constructor(pick, pace, loaded) {
    this.#pick = pick;
    this.loaded = loaded;
    this.#repeat = new Repeat((signal) => this.#fetch(signal), (problem) => this.#problem(problem), () => (this.#session?.running ? pace() : 0));
    byId('filter').addEventListener('input', () => this.#arrange());
    byId('more').addEventListener('click', () => {
      this.#limit += this.#limit === few ? 80 : 100;
      this.#arrange();
    });
    onPalette(() => {
      redraw();
      this.#axis();
    });
    new ResizeObserver(() => this.#axis()).observe(byId('hours'));
  }

  // symbols says which there are, with the share covered of those that are live.
  symbols(list, total) {
    this.#shares = new Map(list.map((s) => [s.symbol, s.covered]));
    const names = list.map((s) => s.symbol);
    this.total = total;
    if (names.join() !== this.#symbols.join()) {
      this.#symbols = names;
      this.#arrange();
    }
    for (const [symbol, line] of this.#lines) this.#label(symbol, line);
  }

  // session changes which one is shown. It is fetched at once.
  session(session) {
    const other = session?.date !== this.#session?.date || session?.running !== this.#session?.running;
    this.#session = session;
    if (!other) return;
    this.#strips = [];
    this.#arrange(true);
  }

  refresh() { if (this.#session) this.#repeat.now(); }

  #shown() {
    const wanted = byId('filter').value.trim().toUpperCase();
    return this.#symbols.filter((symbol) => symbol.toUpperCase().includes(wanted));
  }

  #arrange(anew = false) {
    const found = this.#shown(), names = found.slice(0, this.#limit);
    show(byId('finding'), this.#symbols.length > few);
    show(byId('more'), found.length > this.#limit);
    say(byId('more'), `Show more (${count(found.length - names.length)})`);
    const list = byId('strips');
    list.classList.toggle('many', names.length > 8);
    for (const [symbol, line] of this.#lines) {
      if (names.includes(symbol)) continue;
      line.strip.leave();
      line.node.remove();
      this.#lines.delete(symbol);
    }
    for (const symbol of names) {
      if (!this.#lines.has(symbol)) this.#lines.set(symbol, this.#line(symbol));
      list.append(this.#lines.get(symbol).node);
    }
    say(byId('found'), this.#note(found.length));
    const asked = names.join();
    if (this.#session && names.length && (anew || asked !== this.#asked)) this.#repeat.now();
    this.#asked = asked;
  }

  #note(found) {
    const known = this.#symbols.length;
    if (known && !found) return 'No symbol like that.';
    return this.total > known ? `The first ${count(known)} of ${plural(this.total, 'symbol')}; all are in the downloads.` : '';
  }

  #line(symbol) {
    const strip = new Strip(symbol);
    const share = make('span', { class: 'share' });
    const name = make('button', { type: 'button', class: 'symbol', title: 'Show on the chart', onclick: () => this.#pick(symbol) }, symbol);
    const line = { strip, share, node: make('li', {}, make('span', { class: 'who' }, name, share), strip.node) };
    this.#label(symbol, line);
    return line;
  }

  #label(symbol, { share }) {
    const known = this.#strips.find((s) => s.symbol === symbol);
    const part = this.#session?.live ? this.#shares.get(symbol) : known && heard(known);
    say(share, percent(part, ''));
    share.title = part == null ? '' : `${percent(part)} of the seconds so far were heard in whole`;
    share.classList.toggle('lost', part != null && part < 1);
  }

  async #fetch(signal) {
    const session = this.#session, names = [...this.#lines.keys()];
    if (!session || !names.length) return;
    const strips = await ask('/api/strip', { session: session.date, symbols: names.join(','), bins: 780 }, signal);
    if (signal.aborted || session.date !== this.#session.date) return;
    this.#strips = strips;
    for (const strip of strips) this.#lines.get(strip.symbol)?.strip.show(strip);
    for (const [symbol, line] of this.#lines) this.#label(symbol, line);
    this.#axis();
    this.#table();
    this.loaded(session, strips);
  }

  #problem(text) {
    say(byId('coverage-problem'), text && `The coverage cannot be shown. ${text}`);
    show(byId('coverage-problem'), Boolean(text));
  }

  #table() {
    const all = this.#strips.flatMap((strip) => strip.gaps.map((gap) => ({ symbol: strip.symbol, ...gap })));
    const lost = all.reduce((n, gap) => n + gap.seconds, 0);
    say(byId('gap-count'), all.length ? `${plural(all.length, 'gap')} as a table, ${duration(lost)} in all` : 'No gaps');
    say(byId('gap-note'), all.length > mostGaps ? `The last ${mostGaps}. All of them are in the coverage download.` : '');
    rows(byId('gap-rows'), all.slice(-mostGaps).map((gap) =>
      [gap.symbol, clock(gap.time), clock(gap.until), duration(gap.seconds), gap.state, because(gap.cause)]));
  }

  // axis writes the hours under the strips.
  #axis() {
    const node = byId('hours'), first = this.#strips[0], k = devicePixelRatio || 1;
    const width = Math.round(node.clientWidth * k);
    if (!first || !width) return;
    node.width = width;
    node.height = Math.round(18 * k);
    const context = node.getContext('2d'), { open, close } = first;
    const round = [1e3, 5e3, 15e3, 60e3, 300e3, 900e3, 1800e3, 3600e3, 7200e3, 14400e3];
    const step = round.find((s) => ((width / k) * s) / (close - open) > 62) || 14400e3;
    const text = step < 60e3 ? clock : minutes, ahead = offset(open);
    context.font = `${Math.round(11 * k)}px ${palette().font}`;
    context.fillStyle = palette().muted;
    context.textBaseline = 'bottom';
    for (let ms = Math.ceil((open + ahead) / step) * step - ahead; ms <= close; ms += step) {
      const x = ((ms - open) / (close - open)) * width, half = context.measureText(text(ms)).width / 2;
      context.fillRect(Math.min(width - 1, Math.round(x)), 0, Math.max(1, Math.floor(k)), 4 * k);
      context.fillText(text(ms), Math.max(0, Math.min(width - 2 * half, x - half)), 18 * k);
    }
  }
}
