// Times as people in New York read them. Everything is handed milliseconds since 1970.

const zone = 'America/New_York';
const formatters = new Map();

// Making a formatter costs a hundred times more than using it.
function formatter(name, options) {
  let made = formatters.get(name);
  if (!made) {
    made = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', ...options });
    formatters.set(name, made);
  }
  return made;
}

const hour = '2-digit', minute = '2-digit', second = '2-digit';

// clock is 09:31:05.
export const clock = (ms) => formatter('clock', { hour, minute, second }).format(ms);

// minutes is 09:31.
export const minutes = (ms) => formatter('minutes', { hour, minute }).format(ms);

// day is Fri Nov 20.
export const day = (ms) =>
  formatter('day', { weekday: 'short', month: 'short', day: 'numeric' }).format(ms).replace(',', '');

// moment is Fri Nov 20 09:31:05.
export const moment = (ms) => `${day(ms)} ${clock(ms)}`;

// zoneName is EST or EDT.
export function zoneName(ms) {
  const parts = formatter('zone', { timeZoneName: 'short' }).formatToParts(ms);
  return parts.find((part) => part.type === 'timeZoneName').value;
}

// longDate is Fri Nov 20, 2026 of a session's date, which has no zone of its own.
export function longDate(date) {
  const name = 'session';
  const made = formatter(name, { timeZone: 'UTC', weekday: 'short', year: 'numeric', month: 'short', day: 'numeric' });
  return made.format(Date.parse(`${date}T12:00:00Z`)).replace(',', '');
}

// shortDate is Fri Nov 20.
export const shortDate = (date) => longDate(date).replace(/, \d+$/, '');

const offsets = new Map();

// offset is what New York's clock is ahead of UTC, in ms. It changes on a whole hour only.
export function offset(ms) {
  const key = Math.floor(ms / 3600e3);
  if (!offsets.has(key)) {
    if (offsets.size > 2000) offsets.clear();
    const parts = formatter('offset', { year: 'numeric', month: '2-digit', day: '2-digit', hour, minute, second })
      .formatToParts(key * 3600e3);
    const part = (type) => Number(parts.find((p) => p.type === type).value);
    const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
    offsets.set(key, wall - key * 3600e3);
  }
  return offsets.get(key);
}

const two = (n) => String(n).padStart(2, '0');

// countdown is 02:14:05, with days in front when there are any. It never goes below zero.
export function countdown(ms) {
  const s = Math.max(0, Math.ceil(ms / 1000));
  const days = Math.floor(s / 86400);
  const text = `${two(Math.floor(s / 3600) % 24)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return days ? `${days} d ${text}` : text;
}

// duration is a length of time in the two units that matter.
export function duration(seconds) {
  if (seconds < 10 && seconds % 1) return `${seconds.toFixed(1)} s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  const pair = (big, small, size) => {
    const rest = Math.floor((s % size[0]) / size[1]);
    return `${Math.floor(s / size[0])} ${big}${rest ? ` ${rest} ${small}` : ''}`;
  };
  if (s < 3600) return pair('min', 's', [60, 1]);
  if (s < 86400) return pair('h', 'min', [3600, 60]);
  return pair('d', 'h', [86400, 3600]);
}
