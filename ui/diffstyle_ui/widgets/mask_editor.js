// The script of mask_editor.py. It runs with `element`, `props`, `trigger`, `watch` of gr.HTML, and `ask` of drag_control.
//
// The painting is an immutable value `state`: { layers: [{ id, style, chosen, ink, data, url }], active, rest }. Each
// change makes a new one and adds it to `steps`, so that undo and redo move `now`. `data` are the pixels of a mask, null
// while it is empty, and `url` is their PNG. `surfaces` are the canvases by layer id on which strokes are drawn.

const INKS = ['#d55e00', '#0a7fc4', '#00a878', '#c864a4'], MAX_STEPS = 50, MAX_LAYERS = INKS.length;
const find = (selector) => element.querySelector(selector);
const board = find('.board'), canvas = find('canvas'), shown = find('img.shown'), photo = find('img.photo');
const ring = find('.ring'), marquee = find('.marquee'), list = find('.layer-list'), slider = find('.brush-size input');
const surfaces = new Map();
let state = { layers: [], active: 0, rest: 'photo:' }, steps = [], now = -1, key = null, restored = 0, newest = 0;
let tool = 'brush', stroke = null, cursor = null, selecting = null, fading = null, emphasized = 0, typed = false;

// --- the painting ---

const layerOf = (id) => state.layers.find((layer) => layer.id === id);
const active = () => layerOf(state.active);
const fallback = () => (props.scene && props.scene.fallback) || 'words:';

const makeLayer = (style, chosen) => {
  const used = state.layers.map((layer) => layer.ink);
  newest += 1;
  return { id: newest, style, chosen, ink: INKS.find((ink) => !used.includes(ink)), data: null, url: '' };
};

const surface = (id) => {
  if (!surfaces.has(id)) {
    const made = document.createElement('canvas');
    made.width = canvas.width; made.height = canvas.height;
    surfaces.set(id, made);
  }
  return surfaces.get(id);
};
const pen = (id) => surface(id).getContext('2d', { willReadFrequently: true });

const restoreSurface = (layer) => {
  const context = pen(layer.id);
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (layer.data) context.putImageData(layer.data, 0, 0);
};

const show = (next) => {
  const before = state;
  state = next;
  for (const layer of state.layers) {
    const old = before.layers.find((other) => other.id === layer.id);
    if (!old || old.data !== layer.data) restoreSurface(layer);
  }
  draw(); drawList(); drawButtons();
};

const commit = (next) => {
  steps = [...steps.slice(Math.max(0, now + 2 - MAX_STEPS), now + 1), next];
  now = steps.length - 1;
  show(next); send();
};

const step = (by) => {
  if (!steps[now + by]) return;
  now += by;
  show(steps[now]); send();
};

const changed = (id, change) =>
  ({ ...state, layers: state.layers.map((layer) => (layer.id === id ? { ...layer, ...change } : layer)) });

// the mask of a layer is what is on its canvas now
const commitSurface = (id) => {
  const data = pen(id).getImageData(0, 0, canvas.width, canvas.height);
  const words = new Uint32Array(data.data.buffer);
  const painted = words.some((pixel) => pixel !== 0);
  commit(changed(id, { data: painted ? data : null, url: painted ? surface(id).toDataURL('image/png') : '' }));
};

const send = () => {
  const painted = state.layers.filter((layer) => layer.url);
  const layers = painted.map((layer) => ({ style: layer.style, mask: layer.url }));
  props.value = JSON.stringify({ layers, rest: state.rest });
  const speechless = (style) => style.startsWith('words:') && !style.slice(6).trim();
  if (!painted.some((layer) => speechless(layer.style)) && !speechless(state.rest)) setTimeout(() => ask({}));
};

// --- what is seen ---

const draw = () => {
  const context = canvas.getContext('2d');
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (const layer of state.layers) {
    context.globalAlpha = emphasized && layer.id !== emphasized ? 0.25 : 1;
    context.drawImage(surface(layer.id), 0, 0);
  }
  board.classList.toggle('blank', !stroke && !state.layers.some((layer) => layer.url));
};

// not `disabled`, which would take the focus away
const able = (button, yes) => button.setAttribute('aria-disabled', String(!yes));
const drawButtons = () => {
  const layer = active();
  const off = { undo: now <= 0, redo: now >= steps.length - 1, clear: !layer || !layer.url,
    add: state.layers.length >= MAX_LAYERS };
  for (const [name, disabled] of Object.entries(off)) able(find(`[data-do=${name}]`), !disabled);
  for (const button of element.querySelectorAll('[data-select]')) able(button, !selecting);
  board.classList.toggle('selecting', Boolean(selecting));
};

const options = (select, chosen, first) => {
  const group = (label, entries) => {
    if (!entries.length) return;
    const made = document.createElement('optgroup');
    made.label = label;
    for (const [value, text] of entries) made.append(new Option(text, value));
    select.append(made);
  };
  const scene = props.scene || { mix: false, saved: [] };
  for (const [value, text] of first) select.append(new Option(text, value));
  const mix = new Option(scene.mix ? 'The mix of the first tab' : 'The mix of the first tab (none yet)', 'mix:');
  mix.disabled = !scene.mix && chosen !== 'mix:';
  select.append(mix, new Option('In words …', 'words:'));
  group('From the saved picture', scene.saved.map((label, n) => [`saved:${n}`, label]));
  group('Named styles', props.named.map(([name, label]) => [`named:${name}`, label]));
  select.value = chosen.startsWith('words:') ? 'words:' : chosen;
};

// a list of styles, and a text box while it says "in words"; `say` takes the choice
const styleInput = (owner, label, chosen, first, say) => {
  const box = document.createElement('div'), select = document.createElement('select');
  box.className = 'layer-style'; select.className = 'field';
  select.setAttribute('aria-label', label); select.dataset.key = `${owner}-select`;
  options(select, chosen, first);
  select.addEventListener('change', () => { typed = select.value === 'words:'; say(select.value); });
  box.append(select);
  if (chosen.startsWith('words:')) {
    const words = document.createElement('input');
    words.type = 'text'; words.className = 'field'; words.value = chosen.slice(6); words.maxLength = 1000;
    words.placeholder = 'charcoal on warm paper, then Enter'; words.dataset.key = `${owner}-words`;
    words.setAttribute('aria-label', `${label}, in words`);
    words.addEventListener('change', () => say('words:' + words.value));
    box.append(words);
  }
  return box;
};

const layerRow = (layer, n) => {
  const row = document.createElement('li'), pick = document.createElement('button'), mini = document.createElement('canvas');
  const remove = document.createElement('button');
  row.className = 'layer'; row.dataset.id = layer.id; row.style.setProperty('--ink', layer.ink);
  pick.type = remove.type = 'button';
  pick.className = 'pick'; pick.dataset.key = `${layer.id}-pick`; pick.title = `Brush on layer ${n}`;
  pick.setAttribute('aria-label', `Brush on layer ${n}`);
  pick.setAttribute('aria-pressed', String(layer.id === state.active));
  mini.width = 96; mini.height = Math.max(24, Math.round(96 * canvas.height / Math.max(1, canvas.width)));
  mini.getContext('2d').drawImage(surface(layer.id), 0, 0, mini.width, mini.height);
  pick.append(mini);
  remove.className = 'remove'; remove.textContent = '×'; remove.dataset.key = `${layer.id}-remove`;
  remove.title = `Remove layer ${n}`; remove.setAttribute('aria-label', `Remove layer ${n}`);
  able(remove, state.layers.length > 1);
  const say = (style) => commit({ ...changed(layer.id, { style, chosen: true }), active: layer.id });
  row.append(pick, styleInput(layer.id, `Style of layer ${n}`, layer.style, [], say), remove);
  return row;
};

const drawList = () => {
  const focus = element.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const rows = state.layers.map((layer, n) => layerRow(layer, n + 1)).reverse(); // the topmost first
  const rest = document.createElement('li'), mark = document.createElement('span');
  rest.className = 'layer rest'; mark.className = 'pick'; mark.setAttribute('aria-hidden', 'true');
  if (photo.src) mark.style.backgroundImage = `url("${photo.src}")`;
  const say = (style) => commit({ ...state, rest: style });
  rest.append(mark, styleInput('rest', 'Elsewhere', state.rest, [['photo:', 'The photo, unchanged']], say));
  const title = document.createElement('small');
  title.textContent = 'Elsewhere';
  rest.querySelector('.layer-style').prepend(title);
  list.replaceChildren(...rows, rest);
  const again = typed ? [...list.querySelectorAll('input[type=text]')].find((input) => !input.value) : null;
  typed = false;
  if (again) again.focus();
  else if (focus) { const same = list.querySelector(`[data-key="${focus}"]`); if (same) same.focus({ preventScroll: true }); }
};

const place = (node, x, y, width, height) => {
  const percent = (value, of) => `${(100 * value) / of}%`;
  node.style.left = percent(x, canvas.width); node.style.top = percent(y, canvas.height);
  node.style.width = percent(width, canvas.width); node.style.height = percent(height, canvas.height);
};

const boxTool = () => tool === 'box' || tool === 'object';
const size = () => Number(slider.value);
const drawRing = (at) => {
  ring.hidden = !at || boxTool();
  ring.classList.toggle('erasing', tool === 'erase');
  if (at) place(ring, at.x - size() / 2, at.y - size() / 2, size(), size());
};
const drawMarquee = (from, to) => {
  marquee.hidden = false;
  place(marquee, Math.min(from.x, to.x), Math.min(from.y, to.y), Math.abs(to.x - from.x), Math.abs(to.y - from.y));
};

const resize = (value) => {
  slider.value = Math.max(Number(slider.min), Math.min(Number(slider.max), value));
  drawRing(cursor || { x: canvas.width / 2, y: canvas.height / 2 });
};

// the stroke is seen until the picture shows it, and the masks of other layers faintly
const emphasize = () => { clearTimeout(fading); emphasized = state.active; board.classList.add('painting'); };
const fade = (after) => {
  clearTimeout(fading);
  fading = setTimeout(() => { emphasized = 0; board.classList.remove('painting'); draw(); }, after);
};
