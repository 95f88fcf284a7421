// The latest headlines.

import { make, byId, say, show } from './dom.js';
import { ask, Repeat } from './api.js';
import { clock, day } from './time.js';

// follow fetches the headlines each half minute and hands them on for the chart.
export function follow(hand) {
  const repeat = new Repeat(async (signal) => {
    const articles = await ask('/api/news', { limit: 50 }, signal);
    for (const article of articles) article.at = Date.parse(article.time);
    list(articles);
    hand(articles);
  }, (problem) => {
    say(byId('news-problem'), problem && `The headlines cannot be shown. ${problem}`);
    show(byId('news-problem'), Boolean(problem));
  }, () => 30000);
  repeat.now();
}

let known = '';

function list(articles) {
  const ids = articles.map((article) => article.id).join();
  show(byId('no-news'), !articles.length);
  if (ids === known) return; // the focus stays where it is
  known = ids;
  let before = '';
  byId('headlines').replaceChildren(...articles.flatMap((article) => {
    const date = day(article.at), item = make('li', {},
      make('time', { datetime: article.time }, clock(article.at).slice(0, 5)),
      make('div', {}, title(article), make('span', { class: 'source' }, [article.source, article.symbols].filter(Boolean).join(' · '))));
    const head = date === before ? [] : [make('li', { class: 'date' }, date)];
    before = date;
    return [...head, item];
  }));
}

function title({ title: words, link }) {
  // A feed may write anything where a link should stand.
  if (!/^https?:\/\//i.test(link || '')) return make('span', {}, words);
  return make('a', { href: link, rel: 'noopener noreferrer', target: '_blank' }, words);
}
