// Building the page. Data only ever becomes text: symbols and headlines are not to be trusted.

export const byId = (id) => document.getElementById(id);

// make builds an element; children are nodes or text.
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value == null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

// say sets a node's text, touching nothing when it stands there already.
export function say(node, text) {
  text = String(text ?? '');
  if (node.textContent !== text) node.textContent = text;
}

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

// mark sets an attribute that styles look at.
export function mark(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

// rows makes a table's body say what the cells say, keeping the nodes that are there.
export function rows(body, lines) {
  while (body.rows.length > lines.length) body.deleteRow(-1);
  lines.forEach((cells, i) => {
    const row = body.rows[i] || body.insertRow();
    cells.forEach((cell, j) => {
      const node = row.cells[j] || row.appendChild(make(j ? 'td' : 'th', j ? {} : { scope: 'row' }));
      if (cell instanceof Node) {
        if (node.firstChild !== cell) node.replaceChildren(cell);
      } else say(node, cell);
    });
  });
}
