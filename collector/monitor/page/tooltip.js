// One tooltip for the page.

import { byId, say, show as visible, mark } from './dom.js';

// show puts the text above y, centred on x, within the window.
export function show(text, x, y, state = '') {
  const node = byId('tooltip');
  say(node, text);
  mark(node, 'data-state', state);
  visible(node, true);
  const { width, height } = node.getBoundingClientRect();
  node.style.left = `${Math.max(8, Math.min(document.documentElement.clientWidth - width - 8, x - width / 2))}px`;
  node.style.top = `${y - height - 8 < 4 ? y + 34 : y - height - 8}px`;
}

export const hide = () => visible(byId('tooltip'), false);
