// The session clock and what the recorder is doing, in words.

import { byId, say, show, mark } from './dom.js';
import { clock, countdown, day, minutes, moment, longDate, zoneName } from './time.js';
import { title } from './words.js';

const signs = { good: '✓', warn: '!', bad: '✕', idle: '–' };

// FeedClock is the feed's time, which may be simulated and run fast. It runs on between events.
export class FeedClock {
  #now = Date.now(); #at = performance.now(); #speed = 1;

  set(now, speed) {
    this.#now = now;
    this.#at = performance.now();
    this.#speed = speed;
  }

  now() { return this.#now + (performance.now() - this.#at) * this.#speed; }
}

// state shows the words of a status event.
export function state(status) {
  const level = signs[status.level] ? status.level : 'idle';
  mark(byId('state'), 'data-level', level);
  say(byId('sign'), status.state === 'viewing' ? '▤' : signs[level]);
  say(byId('title'), title(status.state));
  say(byId('words'), without(status.words, title(status.state)));
  const reason = level === 'good' || level === 'idle' ? '' : status.reason;
  say(byId('reason'), reason);
  show(byId('reason'), Boolean(reason));
  say(byId('spoken'), [title(status.state), reason].filter(Boolean).join('. '));
  say(byId('about'), [status.source, status.file, status.version && `tapedeck ${status.version}`].filter(Boolean).join(' · '));
  const running = status.session?.running;
  show(byId('empty'), !status.session);
  say(byId('empty'), firstWords(status));
  document.title = `${signs[level]} ${title(status.state)}${status.simulated ? ' (simulated)' : ''} · tapedeck`;
  mark(byId('state'), 'data-running', String(Boolean(running)));
}

// without leaves out what the heading has said already.
const without = (words, heading) => (words.startsWith(`${heading}. `) ? words.slice(heading.length + 2) : words);

function firstWords({ mode, market }) {
  if (mode === 'viewing') return 'Nothing is on file: no session was ever recorded in it.';
  const opening = market.opens ? `When the market opens, ${day(market.opens)} at ${minutes(market.opens)},` : 'When the market opens';
  const when = market.open || market.always ? 'With the first trade' : opening;
  return `Nothing is on file yet. ${when} a strip appears below for each symbol, one second after another: traded, quiet, or not heard. ` +
    'Candles, numbers and downloads follow within a second.';
}

// tick counts down; it is called each second.
export function tick(status, now) {
  const { market, session, mode } = status;
  say(byId('time'), `${day(now)} ${clock(now)}`);
  say(byId('zone'), zoneName(now));
  if (mode === 'viewing') return put('Last session', session ? longDate(session.date) : '–', session ? span(session) : '', null);
  if (market.always) {
    const left = session?.running ? session.close - now : null;
    return left == null ? put('Market', 'Always open', '', null) : put('Day ends in', countdown(left), market.words, progress(session, now));
  }
  const closes = market.closes ?? (session?.running ? session.close : null);
  if (market.open && closes) {
    return put('Closes in', countdown(closes - now), market.words ? '' : `at ${minutes(closes)}`, session?.running ? progress(session, now) : null);
  }
  if (market.opens) return put('Opens in', countdown(market.opens - now), market.next ? '' : moment(market.opens), null);
  put('Market', market.open ? 'Open' : 'Closed', market.words, null);
}

const span = (session) => `${minutes(session.open)} to ${minutes(session.close)}`;

const progress = (session, now) => Math.min(1, Math.max(0, (now - session.open) / (session.close - session.open)));

function put(label, text, below, done) {
  say(byId('counting'), label);
  say(byId('countdown'), text);
  say(byId('below'), below);
  const bar = byId('progress');
  show(bar, done != null);
  if (done != null) bar.value = done;
}

// plan shows the market's hours and what comes next, as far as the words of the state do not.
export function plan({ market, mode, words }) {
  const unsaid = (text) => text && !words.includes(text);
  const said = [unsaid(market.words) && `Market ${market.words}`, unsaid(market.next) && market.next, market.ahead];
  const lines = mode === 'viewing' ? [] : said.filter(Boolean);
  const list = byId('plan');
  while (list.children.length > lines.length) list.lastChild.remove();
  lines.forEach((line, i) => say(list.children[i] || list.appendChild(document.createElement('li')), line));
}

// contact says that the recorder cannot be reached, and greys what is live.
export function contact(since) {
  document.documentElement.classList.toggle('lost', since > 0);
  say(byId('lost'), since ? `No contact with the recorder since ${clock(since)}. What is below is what it said last. Trying again by itself.` : '');
  show(byId('lost'), since > 0);
  if (!since) return; // the next status says again how things are
  mark(byId('state'), 'data-level', 'idle');
  say(byId('sign'), '?');
  say(byId('title'), 'Not known: no contact');
  document.title = '✕ No contact · tapedeck';
}
