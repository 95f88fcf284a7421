// How the recorder itself is: disconnects, the feed, the disk, the backup, the news feeds.

import { make, byId, say, show, rows } from './dom.js';
import { bytes, count, plural, rate } from './numbers.js';
import { clock, moment, duration } from './time.js';

const items = new Map();

function put(name, text) {
  if (!items.has(name)) {
    const value = make('dd'), node = make('div', {}, make('dt', {}, name), value);
    items.set(name, { node, value });
    byId('health').append(node);
  }
  const { node, value } = items.get(name);
  show(node, Boolean(text));
  say(value, text || '');
}

export function health(status, now) {
  const { feed, disk, backup, feeds } = status;
  const ago = (ms) => `${duration(Math.max(0, (now - ms) / 1000))} ago`;
  const length = (ms) => duration(Math.max(0, Math.round((now - ms) / 1000)));
  put('Connected', feed?.connected_since && `since ${when(feed.connected_since, now)} (${length(feed.connected_since)})`);
  put('Next try', feed?.next_try && when(feed.next_try, now));
  put('Last sign of life', feed?.last_sign && ago(feed.last_sign));
  const beat = feed?.canary_rate == null ? '' : ` ${rate(feed.canary_rate)} trades a second`;
  put('Canary', feed?.canary && (feed.canary_words || feed.canary + beat));
  put('File', disk && `${bytes(disk.file_bytes)}${disk.growth_bytes == null ? '' : `, grows ${bytes(disk.growth_bytes)} a session`}`);
  put('Free disk', disk && free(disk));
  put('Backup', status.mode === 'viewing' ? '' : backup ? `${ago(backup.time)}, ${backup.path}` : 'none yet: the first is made after a close');
  const silent = feeds?.silent ? `, ${count(feeds.silent)} silent` : '';
  put('News feeds', feeds && `${plural(feeds.answering, 'feed')} answering${silent}, ${plural(feeds.headlines, 'headline')}`);
  put('Echoes dropped', status.numbers.echoes ? count(status.numbers.echoes) : '');
  put('Rejected', status.numbers.rejected ? plural(status.numbers.rejected, 'message') : '');
  put('Lost', status.numbers.lost ? plural(status.numbers.lost, 'trade') : '');
  disconnects(status.disconnects || [], now);
}

const when = (ms, now) => (Math.abs(now - ms) > 43200e3 ? moment(ms) : clock(ms));

function free(disk) {
  if (disk.full) return 'full: nothing more can be written';
  if (disk.free_bytes == null) return '';
  const days = disk.days_left;
  return `${bytes(disk.free_bytes)}${days == null ? '' : `, enough for ${days > 3650 ? 'over ten years' : `${count(days)} days`}`}`;
}

function disconnects(list, now) {
  show(byId('disconnect-table'), list.length > 0);
  show(byId('no-disconnects'), !list.length);
  rows(byId('disconnect-rows'), list.map((one) =>
    [when(one.time, now), one.cause, one.words, duration(one.lasted), count(one.trades)]));
}
