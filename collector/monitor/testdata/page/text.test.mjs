// Times, numbers and words as the page writes them.

import test from 'node:test';
import assert from 'node:assert/strict';
import { clock, moment, day, longDate, shortDate, zoneName, offset, countdown, duration } from '../../page/time.js';
import { percent, bytes, brief, decimals, milliseconds, plural, count, printed } from '../../page/numbers.js';
import { because, plainly, title } from '../../page/words.js';

const winter = Date.parse('2026-11-20T14:31:05Z'), summer = Date.parse('2026-07-01T13:30:00Z');

test('times are New York times', () => {
  assert.equal(clock(winter), '09:31:05');
  assert.equal(clock(summer), '09:30:00');
  assert.equal(clock(Date.parse('2026-11-20T05:00:00Z')), '00:00:00');
  assert.equal(day(winter), 'Fri Nov 20');
  assert.equal(moment(winter), 'Fri Nov 20 09:31:05');
  assert.deepEqual([zoneName(winter), zoneName(summer)], ['EST', 'EDT']);
  assert.deepEqual([offset(winter), offset(summer)], [-5 * 3600e3, -4 * 3600e3]);
});

test('the date of a session is no moment', () => {
  assert.equal(longDate('2026-11-20'), 'Fri Nov 20, 2026');
  assert.equal(shortDate('2026-01-02'), 'Fri Jan 2');
});

test('lengths of time', () => {
  assert.deepEqual([0, 999, 8045000, 90061000, -5].map(countdown), ['00:00:00', '00:00:01', '02:14:05', '1 d 01:01:01', '00:00:00']);
  assert.deepEqual([0.4, 12.3, 273, 3600, 7260, 90000].map(duration), ['0.4 s', '12 s', '4 min 33 s', '1 h', '2 h 1 min', '1 d 1 h']);
});

test('all covered is said only when it is', () => {
  assert.deepEqual([1, 0.99999, 0.9981, 0, null].map((share) => percent(share)), ['100 %', '99.99 %', '99.81 %', '0.00 %', '–']);
});

test('numbers', () => {
  assert.deepEqual([500, 1500, 48.2e6, 11.4e9].map(bytes), ['500 B', '1.5 KB', '48.2 MB', '11.4 GB']);
  assert.deepEqual([12, 12345, 3.47e6].map(brief), ['12', '12.3K', '3.47M']);
  assert.deepEqual([70, 70.4, 70.445, '0.00001'].map(decimals), [0, 1, 3, 5]);
  assert.deepEqual([152, 152.3, 152.3505, null].map(printed), ['152.00', '152.30', '152.3505', '–']);
  assert.deepEqual([120, 121000, null].map(milliseconds), ['120 ms', '121.0 s', '–']);
  assert.deepEqual([plural(1, 'gap'), plural(2, 'gap'), count(41120)], ['1 gap', '2 gaps', '41,120']);
});

test('causes in plain words, with their names', () => {
  assert.equal(because('drop'), 'the connection broke (drop)');
  assert.equal(because('solar_flare'), 'solar_flare');
  assert.equal(because(''), '');
  assert.equal(plainly('disk_full'), 'the disk was full');
  assert.equal(title('recording'), 'Recording');
  assert.equal(title('sleeping'), 'Sleeping');
});
