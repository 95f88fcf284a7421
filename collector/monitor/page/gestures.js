// What hands do on the chart, turned into the words of its target: pan(pixels), zoom(factor, x),
// point(x, y), leave(), reset(), step(candles), home(), end(). Positions are CSS pixels in the node.

export function gestures(node, target) {
  const fingers = new Map();
  let moved = 0, pinch = null;

  const at = (event) => {
    const box = node.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  node.addEventListener('pointerdown', (event) => {
    if (event.button) return;
    node.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    moved = 0;
    pinch = fingers.size === 2 ? spread(fingers) : null;
  });

  node.addEventListener('pointermove', (event) => {
    const now = at(event), before = fingers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== 'touch') target.point(now.x, now.y);
      return;
    }
    fingers.set(event.pointerId, now);
    if (fingers.size === 2 && pinch) {
      const wider = spread(fingers);
      target.zoom(wider.distance / pinch.distance, wider.x);
      target.pan(wider.x - pinch.x);
      pinch = wider;
      moved = 99;
      return;
    }
    moved += Math.abs(now.x - before.x);
    if (moved < 4) return; // a click trembles
    node.classList.add('dragging');
    target.pan(now.x - before.x);
    if (event.pointerType === 'touch') target.leave();
    else target.point(now.x, now.y);
  });

  const up = (event) => {
    const known = fingers.delete(event.pointerId);
    pinch = null;
    node.classList.remove('dragging');
    // A tap shows the candle under it: a finger cannot hover.
    if (known && event.type === 'pointerup' && moved < 4) target.point(at(event).x, at(event).y);
  };
  node.addEventListener('pointerup', up);
  node.addEventListener('pointercancel', up);
  node.addEventListener('pointerleave', (event) => {
    if (event.pointerType !== 'touch' && !fingers.size) target.leave();
  });

  node.addEventListener('wheel', (event) => {
    if (event.ctrlKey && !event.deltaY) return;
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) target.pan(-event.deltaX * unit);
    else target.zoom(Math.exp(-Math.max(-120, Math.min(120, event.deltaY * unit)) * (event.ctrlKey ? 0.01 : 0.0022)), at(event).x);
  }, { passive: false });

  node.addEventListener('dblclick', () => target.reset());
  node.addEventListener('keydown', (event) => key(event, node, target));
}

function spread(fingers) {
  const [a, b] = [...fingers.values()];
  return { distance: Math.max(10, Math.hypot(a.x - b.x, a.y - b.y)), x: (a.x + b.x) / 2 };
}

function key(event, node, target) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const width = node.clientWidth;
  const keys = {
    ArrowLeft: () => (event.shiftKey ? target.step(-1) : target.pan(width / 8)),
    ArrowRight: () => (event.shiftKey ? target.step(1) : target.pan(-width / 8)),
    '+': () => target.zoom(1.25, width / 2),
    '=': () => target.zoom(1.25, width / 2),
    '-': () => target.zoom(0.8, width / 2),
    Home: () => target.home(),
    End: () => target.end(),
    0: () => target.reset(),
    Escape: () => target.leave(),
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
}
