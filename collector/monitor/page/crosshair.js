// The crosshair over the chart, and what is known of the slot under it.

import { tag } from './paint.js';
import { gapAt } from './gaps.js';
import { price as priceText } from './numbers.js';
import { clock, day } from './time.js';

// crosshair draws on its own canvas, so that a moving mouse costs no new chart. cross is in
// CSS pixels or null; the legend then tells of the last candle.
export function crosshair(canvas, frame, cross, now, legend) {
  const { k, plot, view, slots, colours, width } = frame;
  const context = canvas.getContext('2d');
  context.clearRect(0, 0, canvas.width, canvas.height);
  const slot = cross ? Math.floor(view.slot(Math.min(cross.x * k, plot.right - 1))) : null;
  legend.tell(subject(frame, slot, now), frame.places, slots.step);
  if (!cross) return;
  const x = Math.round(view.x(slot + 0.5)), y = Math.round(Math.min(cross.y * k, plot.bottom - 1));
  dashes(context, colours.muted, k, x, plot.bottom, y, plot.right);
  const over = { context, k, colours };
  const { label, 'label-text': ink } = colours;
  if (y < plot.volumeTop) {
    tag(over, priceText(frame.scale.price(y), frame.places), plot.right + 1, Math.max(9 * k, y), width - plot.right - 1, label, ink);
  }
  const time = slots.timeOf(slot);
  if (time == null) return;
  const text = `${day(time)} ${clock(time)}`;
  context.font = `${Math.round(11 * k)}px ${colours.font}`;
  const wide = context.measureText(text).width + 12 * k;
  tag(over, text, Math.max(0, Math.min(plot.right - wide, x - wide / 2)), plot.bottom + 13 * k, wide, label, ink);
}

function dashes(context, colour, k, x, bottom, y, right) {
  context.strokeStyle = colour;
  context.lineWidth = Math.max(1, Math.floor(k));
  context.setLineDash([4 * k, 4 * k]);
  const half = (context.lineWidth % 2) / 2;
  context.beginPath();
  context.moveTo(x + half, 0);
  context.lineTo(x + half, bottom);
  context.moveTo(0, y + half);
  context.lineTo(right, y + half);
  context.stroke();
}

// subject is what can be said of a slot: its candle, or why there is none.
function subject(frame, slot, now) {
  const { slots, news } = frame;
  if (slot == null) {
    const last = slots.last();
    return last && { candle: last.candle, time: last.candle.time, headlines: [] };
  }
  const time = slots.timeOf(slot);
  if (time == null) return null;
  const session = slots.sessionOf(slot);
  const until = time + slots.step;
  return {
    candle: slots.candleAt(slot), time,
    gap: slots.step ? gapAt(session.gaps, time, until) : null,
    ahead: session.running && time > now,
    headlines: news.filter((mark) => Math.abs(view(frame, mark.slot) - view(frame, slot)) < 5 * frame.k).map((mark) => mark.article),
  };
}

const view = (frame, slot) => frame.view.x(slot);
