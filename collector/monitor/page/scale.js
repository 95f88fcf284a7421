// The price scale and the view on the slots. Pure.

// niceStep is the smallest of 1, 2, 2.5, 5 times a power of ten that is not under the wanted step.
export function niceStep(wanted) {
  const power = 10 ** Math.floor(Math.log10(wanted));
  for (const n of [1, 2, 2.5, 5]) if (n * power >= wanted * 0.999999) return n * power;
  return 10 * power;
}

// PriceScale maps prices to pixels between top and bottom, the higher price at the top.
export class PriceScale {
  constructor(low, high, top, bottom, tick = 0.01) {
    if (high - low < tick * 4) { // one price, or nearly: still give it some room
      const middle = (high + low) / 2;
      low = middle - tick * 2;
      high = middle + tick * 2;
    }
    const room = (high - low) * 0.08;
    Object.assign(this, { low: low - room, high: high + room, top, bottom });
  }

  y(price) { return this.bottom - ((price - this.low) / (this.high - this.low)) * (this.bottom - this.top); }

  price(y) { return this.low + ((this.bottom - y) / (this.bottom - this.top)) * (this.high - this.low); }

  // ticks are round prices at least `apart` pixels from each other.
  ticks(apart, least) {
    const share = apart / (this.bottom - this.top);
    let step = Math.max(niceStep((this.high - this.low) * share), least);
    if (step / least < 10 && (step / least) % 1 > 0.01) step *= 2; // 0.025 is not round where prices have two decimals
    const found = [];
    for (let n = Math.ceil(this.low / step); n * step <= this.high; n++) found.push(n * step);
    return found;
  }
}

// View is the part of the slots in sight: `right` is the slot at the right edge, `spacing`
// the pixels of a slot.
export class View {
  constructor() { Object.assign(this, { right: 0, spacing: 6, width: 1 }); }

  get span() { return this.width / this.spacing; }

  get left() { return this.right - this.span; }

  x(slot) { return (slot - this.left) * this.spacing; }

  slot(x) { return this.left + x / this.spacing; }

  pan(pixels) { this.right -= pixels / this.spacing; }

  // zoom keeps the slot under x where it is.
  zoom(factor, x, least) {
    const under = this.slot(x);
    this.spacing = Math.min(60, Math.max(least, this.spacing * factor));
    this.right = under + (this.width - x) / this.spacing;
  }

  // keep leaves a part of the slots in sight.
  keep(start, end) {
    const some = Math.min(this.span, end - start) * 0.15;
    this.right = Math.min(end + this.span * 0.6, Math.max(start + some, this.right));
  }
}
