// The words over the chart: what the candle under the crosshair is.

import { make, say, show } from './dom.js';
import { price, printed, volume, count } from './numbers.js';
import { clock, day, duration } from './time.js';
import { because, meaning } from './words.js';

export class Legend {
  #announce = false;

  constructor(root) {
    this.root = root;
    this.title = make('b');
    this.state = make('span', { class: 'state' });
    this.news = make('p', { class: 'headline', hidden: true });
    this.values = {};
    const line = make('p', {}, this.title, ' ');
    for (const name of ['O', 'H', 'L', 'C', 'Vol', 'VWAP', 'Trades']) {
      this.values[name] = make('span', { class: 'value' });
      line.append(make('span', { class: 'pair' }, `${name} `, this.values[name]), ' ');
    }
    line.append(this.state);
    this.spoken = make('p', { class: 'unseen', 'aria-live': 'polite' });
    root.append(make('div', { class: 'legend', 'aria-hidden': 'true' }, line, this.news), this.spoken);
  }

  // announce has the next words read out: those of a key press, not of each move of a mouse.
  announce() { this.#announce = true; }

  silence() { say(this.spoken, ''); }

  // tell writes what is known of one slot; null is a place outside of all sessions.
  tell(subject, places, step) {
    const { symbol = '', interval = '' } = this.root.dataset;
    say(this.title, symbol && `${symbol} · ${interval}`);
    const candle = subject?.candle;
    const cells = {
      O: candle && printed(candle.open), H: candle && printed(candle.high),
      L: candle && printed(candle.low), C: candle && printed(candle.close),
      Vol: candle && volume(candle.volume), VWAP: candle?.vwap != null && price(candle.vwap, places + 1),
      Trades: candle && count(candle.trades),
    };
    for (const [name, text] of Object.entries(cells)) {
      say(this.values[name], text || '');
      show(this.values[name].parentNode, Boolean(text));
    }
    this.values.C.className = `value ${candle && candle.close < candle.open ? 'fall' : 'rise'}`;
    const state = subject ? condition(subject, step) : '';
    say(this.state, state);
    const [headline, ...others] = subject?.headlines || [];
    say(this.news, headline ? `▲ ${headline.source}: ${headline.title}${others.length ? ` (and ${others.length} more)` : ''}` : '');
    show(this.news, Boolean(headline));
    this.#speak(subject, cells, state, headline);
  }

  #speak(subject, cells, state, headline) {
    if (!this.#announce) return;
    this.#announce = false;
    const numbers = Object.entries(cells).filter(([, text]) => text).map(([name, text]) => `${name} ${text}`);
    say(this.spoken, subject ? [`${day(subject.time)} ${clock(subject.time)}`, ...numbers, state, headline?.title].filter(Boolean).join(', ') : '');
  }
}

// condition is the state of a candle, or why there is none.
function condition({ candle, gap, ahead }, step) {
  const why = gap && `${duration(gap.seconds)} ${gap.state === 'partial' ? 'partly ' : ''}not heard: ${because(gap.cause)}`;
  if (candle) {
    if (!step) return candle.complete === false ? 'not complete' : '';
    return [candle.state, candle.state !== 'traded' && candle.state !== 'quiet' && why].filter(Boolean).join(', ');
  }
  if (ahead) return meaning('ahead');
  if (gap) return gap.state === 'unknown' ? meaning('unknown') : `no candle, ${why}`;
  return step ? meaning('quiet') : '';
}
