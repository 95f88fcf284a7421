// Numbers as text.

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export const absent = '–';

export const count = (n) => (n == null ? absent : whole.format(n));

// seconds is a count of seconds.
export const seconds = (n) => (n == null ? absent : `${whole.format(n)} s`);

// percent of a share. It is cut, not rounded: 100 % means all of it.
export function percent(share, none = absent) {
  if (share == null) return none;
  if (share >= 1) return '100 %';
  return `${(Math.floor(share * 1e4 + 1e-6) / 100).toFixed(2)} %`;
}

export function rate(n) {
  if (n == null) return absent;
  return n >= 100 ? whole.format(n) : n.toFixed(1);
}

export function bytes(n) {
  if (n == null) return absent;
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (n >= 1000 && unit < units.length - 1) {
    n /= 1000;
    unit++;
  }
  return `${unit && n < 100 ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}

// milliseconds is a lag; over ten seconds it is said in seconds.
export function milliseconds(n) {
  if (n == null) return absent;
  return n < 1e4 ? `${whole.format(n)} ms` : `${(n / 1000).toFixed(1)} s`;
}

// brief is a volume that fits on an axis.
export function brief(n) {
  for (const [size, unit] of [[1e9, 'B'], [1e6, 'M'], [1e3, 'K']]) {
    if (n >= size) return `${+(n / size).toPrecision(3)}${unit}`;
  }
  return String(+n.toPrecision(3));
}

export function volume(n) {
  if (n == null) return absent;
  return n >= 1000 || Number.isInteger(n) ? whole.format(n) : String(+n.toPrecision(6));
}

// decimals is how many of them a price has as it is printed.
export function decimals(price) {
  const text = String(price);
  if (text.includes('e')) return 10;
  const dot = text.indexOf('.');
  return dot < 0 ? 0 : Math.min(10, text.length - dot - 1);
}

export const price = (n, places) => (n == null ? absent : n.toFixed(places));

// printed is a price with the decimals it has, two at least.
export const printed = (n) => price(n, Math.max(2, decimals(n ?? 0)));

export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
