// Candles in order, and how one that comes live is put among them. Pure.

const number = (value) => (value == null || value === '' ? null : Number(value));
const when = (value) => (typeof value === 'string' ? Date.parse(value) : value);

// candleOf makes a candle of a row of /api/candles or of an event. key orders it in its session.
export function candleOf(row) {
  const time = when(row.time);
  return {
    key: row.number ?? time,
    time,
    open: number(row.open), high: number(row.high), low: number(row.low), close: number(row.close),
    volume: number(row.volume) || 0, vwap: number(row.vwap), trades: number(row.trades) || 0,
    state: row.state || '', number: row.number, lastTime: when(row.last_time), complete: row.complete,
  };
}

// indexOf is the place of the first candle whose key is not less than the wanted one.
export function indexOf(candles, key) {
  let low = 0, high = candles.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (candles[middle].key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

// merge puts a candle in its place. Events may come again or out of order after a new
// connection, but the trades of a candle only grow: the one with more of them is the newer.
export function merge(candles, candle) {
  const at = indexOf(candles, candle.key);
  const there = candles[at];
  if (!there || there.key !== candle.key) {
    candles.splice(at, 0, candle);
    return true;
  }
  if (there.trades > candle.trades) return false;
  candles[at] = candle;
  return true;
}

// columns folds the candles of one pixel column into one, for candles narrower than a pixel.
export function columns(visit, from, to, slotsAColumn) {
  const folded = [];
  let last = null;
  visit(from, to, (candle, slot) => {
    const column = Math.floor((slot - from) / slotsAColumn);
    if (last && last.column === column) {
      last.high = Math.max(last.high, candle.high);
      last.low = Math.min(last.low, candle.low);
      last.close = candle.close;
      last.volume = Math.max(last.volume, candle.volume);
      return;
    }
    const { open, high, low, close, volume } = candle;
    last = { column, open, high, low, close, volume };
    folded.push(last);
  });
  return folded;
}
