// The page: what came in the last status event, which session and which candles the person
// looks at, and who is told of it.

import { byId, make, say, show, mark } from './dom.js';
import { ask, Repeat } from './api.js';
import { Events } from './events.js';
import { FeedClock, state, tick, plan, contact } from './clock.js';
import { Coverage } from './coverage.js';
import { Chart } from './chart.js';
import { Market } from './market.js';
import * as today from './today.js';
import * as downloads from './downloads.js';
import * as news from './news.js';
import { health } from './health.js';
import { longDate } from './time.js';

const intervals = ['1s', '5s', '15s', '1m', '5m', '15m', '1h', '100t'];

const clock = new FeedClock();
let status = null; // the last status event
let dates = []; // the sessions on file, oldest first
let date = ''; // the session the person has chosen, '' to stay with the newest
let symbol = '', interval = '1m';

const newest = () => dates.at(-1);
// behind: a session began or ended, and the list does not say so yet.
const behind = () => Boolean(status?.session) && (newest()?.date !== status.session.date || newest().running !== status.session.running);
const chosen = () => dates.find((d) => d.date === date) || newest();

// pace is how often coverage is fetched: a simulated session may last ten seconds.
function pace() {
  const session = chosen();
  const bin = session ? (session.close - session.open) / 780 / (status?.speed || 1) : 30000;
  return Math.min(20000, Math.max(2000, bin));
}

const chart = new Chart(byId('chart'), { now: () => clock.now(), earlier: () => market.earlier(), later: () => market.later() });
const market = new Market(chart, (problem, busy) => {
  say(byId('chart-says'), problem || (busy ? 'Loading…' : dates.length ? '' : 'No candles yet.'));
  show(byId('chart-says'), Boolean(byId('chart-says').textContent));
}, pace);
const coverage = new Coverage((picked) => choose(picked, interval), pace, (session, strips) => {
  if (!session.live) today.earlier(session, strips);
});
const sessions = new Repeat(fetchDates, (problem) => {
  say(byId('session-problem'), problem && `The list of sessions cannot be shown. ${problem}`);
  show(byId('session-problem'), Boolean(problem));
}, () => (behind() ? 3000 : 0));
const events = new Events({ status: took, candle: (row) => market.take(row), reset, contact });

function took(next) {
  const before = status;
  status = next;
  clock.set(next.now, next.speed);
  state(next);
  show(byId('leave'), next.login);
  document.body.classList.toggle('nothing', !next.session);
  plan(next);
  tick(next, clock.now());
  health(next, clock.now());
  const session = next.session, was = before?.session;
  if (!before || session?.date !== was?.date || session?.running !== was?.running) sessions.now();
  if (!symbol && next.symbols.length) start(next.symbols);
  if (!before || names(next) !== names(before)) options(next.symbols);
  spread();
  if (before && next.disconnects[0]?.time !== before.disconnects[0]?.time) missed();
  if (before && next.feed?.connected_since !== before.feed?.connected_since) missed();
}

const names = ({ symbols }) => symbols.map((s) => s.symbol).join();

// missed: what was not heard has changed.
function missed() {
  if (!date) coverage.refresh();
  market.gapsChanged();
}

// live says whether the person looks at the session the status event speaks of.
const live = () => Boolean(status?.session) && chosen()?.date === status.session.date;

// spread hands what is known to the sections.
function spread() {
  if (!status) return;
  show(byId('simulated'), status.simulated || Boolean(chosen()?.simulated));
  coverage.symbols(status.symbols, status.symbol_count);
  if (live()) today.live(status, clock.now());
}

async function fetchDates(signal) {
  dates = await ask('/api/dates', {}, signal);
  fillSessions();
  turn();
  await market.dates(dates);
  if (symbol && !chart.slots.sessions.length) market.open(symbol, interval, date);
}

// turn shows the chosen session everywhere but on the chart.
function turn() {
  const session = chosen();
  if (session) session.live = live();
  show(byId('choosing'), dates.length > 0);
  show(byId('back'), Boolean(date));
  const kind = session ? [session.hours !== 'regular' && session.hours, session.simulated && 'simulated'] : [];
  say(byId('kind'), kind.filter(Boolean).join(', '));
  coverage.session(session);
  downloads.show(session);
  spread();
}

function fillSessions() {
  const select = byId('session');
  select.replaceChildren(...[...dates].reverse().map((d) =>
    make('option', { value: d.date }, `${longDate(d.date)}${d.running ? ' (running)' : ''}`)));
  if (!dates.some((d) => d.date === date)) date = '';
  select.value = date || newest()?.date || '';
}

function look(wanted) {
  date = wanted === newest()?.date ? '' : wanted;
  byId('session').value = date || newest()?.date || '';
  turn();
  coverage.refresh();
  market.open(symbol, interval, date);
}

// start chooses the first candles: those of the address, or the first symbol's.
function start(symbols) {
  const [wanted, length] = decodeURIComponent(location.hash.slice(1)).split('/');
  choose(symbols.some((s) => s.symbol === wanted) ? wanted : symbols[0].symbol, intervals.includes(length) ? length : interval);
}

function choose(nextSymbol, nextInterval) {
  symbol = nextSymbol;
  interval = nextInterval;
  history.replaceState(null, '', `#${encodeURIComponent(symbol)}/${interval}`);
  byId('symbol').value = symbol;
  for (const button of byId('intervals').children) mark(button, 'aria-pressed', String(button.value === interval));
  mark(byId('chart'), 'aria-label', `Candles of ${symbol}, ${interval}. Arrow keys pan, ` +
    'shift and arrow keys go from candle to candle, plus and minus zoom, 0 resets.');
  if (status?.mode !== 'viewing' || !status) events.listen(symbol, interval);
  if (dates.length) market.open(symbol, interval, date);
}

function options(symbols) {
  const select = byId('symbol');
  select.replaceChildren(...symbols.map((s) => make('option', { value: s.symbol }, s.symbol)));
  select.value = symbol;
}

function reset() {
  sessions.now();
  coverage.refresh();
  market.reload();
}

function wire() {
  byId('session').addEventListener('change', (event) => look(event.target.value));
  byId('back').addEventListener('click', () => look(newest().date));
  byId('symbol').addEventListener('change', (event) => choose(event.target.value, interval));
  byId('whole').addEventListener('click', () => chart.whole());
  byId('latest').addEventListener('click', () => (date ? look(newest().date) : chart.reset()));
  for (const length of intervals) {
    const onclick = () => choose(symbol, length);
    byId('intervals').append(make('button', { type: 'button', value: length, 'aria-pressed': 'false', onclick }, length));
  }
}

today.build();
downloads.build();
wire();
events.listen();
news.follow((articles) => {
  chart.news = articles;
  chart.changed();
});
setInterval(() => {
  if (!status || document.hidden) return;
  tick(status, clock.now());
  if (status.speed) chart.changed();
}, 1000);
