// Links to the files of a session. They are plain links: a download needs no script.

import { make, byId, mark, say } from './dom.js';
import { longDate } from './time.js';

const kinds = [
  ['1s', '1-second candles'], ['1m', '1-minute candles'], ['100t', '100-trade candles'], ['trades', 'Every trade'], ['coverage', 'Coverage and gaps'],
];
const links = [];

export function build() {
  for (const [kind, words] of kinds) {
    const row = make('tr', {}, make('th', { scope: 'row' }, words));
    for (const format of ['csv', 'parquet']) {
      const file = kind === 'trades' && format === 'csv' ? 'csv.gz' : format;
      const link = make('a', { download: true }, file === 'csv.gz' ? 'CSV (gz)' : format === 'csv' ? 'CSV' : 'Parquet');
      mark(link, 'aria-label', `${words}, ${link.textContent}`);
      links.push({ link, file: `${kind}.${file}` });
      row.append(make('td', {}, link));
    }
    byId('files').append(row);
  }
}

export function show(session) {
  byId('downloads').hidden = !session;
  if (!session) return;
  for (const { link, file } of links) {
    mark(link, 'href', `/export/${file}?session=${encodeURIComponent(session.date)}`);
    mark(link, 'download', `${session.date}-${file}`);
  }
  say(byId('files-of'), `${longDate(session.date)}${session.running ? ', what is on file so far' : ''}`);
}
