// Gaps on the chart: where the candles have holes. Pure.

// holes are the gaps as bands over slots: {from, to, gap, seconds}. Those of trade candles
// have no width of their own; the ones at the same place are one.
export function holes(slots, from, to) {
  const found = [];
  for (const session of slots.sessions) {
    if (session.start + session.count < from || session.start > to) continue;
    for (const gap of session.gaps) {
      if (gap.state !== 'down' && gap.state !== 'partial') continue;
      const band = { from: slots.place(session, gap.time), to: slots.place(session, gap.until), gap, seconds: gap.seconds };
      if (!slots.step) {
        if (gap.state !== 'down') continue;
        band.to = band.from;
        const last = found.at(-1);
        if (last && last.from === band.from) {
          last.seconds += band.seconds;
          continue;
        }
      }
      if (band.to >= from && band.from <= to) found.push(band);
    }
  }
  return found;
}

// gapAt is the worst gap that touches the times between.
export function gapAt(gaps, from, to) {
  let worst = null;
  for (const gap of gaps) {
    if (gap.until <= from || gap.time >= to) continue;
    if (!worst || rank(gap) > rank(worst)) worst = gap;
  }
  return worst;
}

const rank = (gap) => ['unknown', 'partial', 'down'].indexOf(gap.state);

// heard is the share of a strip's seconds so far that were covered in whole.
export function heard(strip) {
  const all = (strip.until - strip.open) / 1000;
  const lost = strip.gaps.reduce((n, gap) => n + gap.seconds, 0);
  return all > 0 ? Math.max(0, 1 - lost / all) : null;
}
