// The colours of the style sheet, for what is drawn on a canvas.

const names = [
  'card', 'text', 'muted', 'line', 'grid', 'accent', 'rise', 'fall', 'rise-soft', 'fall-soft', 'traded', 'quiet',
  'partial', 'down', 'down-soft', 'hole', 'unknown', 'ahead', 'label', 'label-text',
];

let colours = null;
const listeners = new Set();

export function palette() {
  if (!colours) {
    const style = getComputedStyle(document.documentElement);
    colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    colours.font = style.getPropertyValue('--font').trim();
  }
  return colours;
}

// onPalette calls back when the person changes between light and dark.
export const onPalette = (listener) => listeners.add(listener);

for (const query of ['(prefers-color-scheme: dark)', '(prefers-contrast: more)']) {
  matchMedia(query).addEventListener('change', () => {
    colours = null;
    tiles.clear();
    for (const listener of listeners) listener();
  });
}

const tiles = new Map();

// hatch is a fill of slanted lines; `gap` is their distance in device pixels.
export function hatch(context, line, ground, gap, width) {
  const key = [line, ground, gap, width].join();
  if (!tiles.has(key)) tiles.set(key, context.createPattern(tile(line, ground, gap, width), 'repeat'));
  return tiles.get(key);
}

function tile(line, ground, gap, width) {
  const made = document.createElement('canvas');
  made.width = made.height = gap;
  const draw = made.getContext('2d');
  if (ground) {
    draw.fillStyle = ground;
    draw.fillRect(0, 0, gap, gap);
  }
  draw.strokeStyle = line;
  draw.lineWidth = width;
  draw.beginPath();
  for (const x of [-gap, 0, gap]) {
    draw.moveTo(x - 1, gap + 1);
    draw.lineTo(x + gap + 1, -1);
  }
  draw.stroke();
  return made;
}
