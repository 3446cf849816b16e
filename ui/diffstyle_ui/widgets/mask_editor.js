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

// --- strokes, boxes and selections ---

const line = (from, to) => {
  const layer = active(), context = pen(layer.id);
  context.globalCompositeOperation = tool === 'erase' ? 'destination-out' : 'source-over';
  context.strokeStyle = layer.ink; context.lineCap = context.lineJoin = 'round'; context.lineWidth = size();
  context.beginPath(); context.moveTo(from.x, from.y); context.lineTo(to.x, to.y); context.stroke();
  context.globalCompositeOperation = 'source-over';
};

const begin = (at) => {
  stroke = { id: state.active, from: at, last: at };
  if (!boxTool()) { emphasize(); line(at, at); draw(); }
};
const extend = (to) => {
  if (boxTool()) drawMarquee(stroke.from, to); else { line(stroke.last, to); draw(); }
  stroke.last = to;
};
const finish = () => {
  const { id, from, last } = stroke;
  stroke = null; marquee.hidden = true;
  if (!boxTool()) { fade(2500); commitSurface(id); return; }
  const left = Math.round(Math.min(from.x, last.x)), top = Math.round(Math.min(from.y, last.y));
  const right = Math.round(Math.max(from.x, last.x)), bottom = Math.round(Math.max(from.y, last.y));
  if (right - left < 2 || bottom - top < 2) { draw(); return; }
  if (tool === 'object') { selectServer(`box:${left},${top},${right},${bottom}`); return; }
  const context = pen(id);
  emphasize(); fade(2500);
  context.fillStyle = layerOf(id).ink;
  context.fillRect(left, top, right - left, bottom - top);
  commitSurface(id);
};
const abandon = () => {
  if (!stroke) return;
  const layer = layerOf(stroke.id);
  stroke = null; marquee.hidden = true;
  if (layer) restoreSurface(layer);
  fade(0); draw();
};

const selectServer = (what) => {
  selecting = { id: state.active, timer: setTimeout(() => { selecting = null; drawButtons(); }, 30000) };
  drawButtons();
  trigger('select', { what });
};
const added = async () => {
  if (!selecting) return;
  const { id, timer } = selecting, { mask } = props.selected;
  clearTimeout(timer); selecting = null;
  const layer = layerOf(id);
  if (mask && layer) {
    const found = document.createElement('canvas'), image = await loaded(mask);
    found.width = canvas.width; found.height = canvas.height;
    const context = found.getContext('2d');
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    context.globalCompositeOperation = 'source-in'; context.fillStyle = layer.ink;
    context.fillRect(0, 0, canvas.width, canvas.height);
    pen(id).drawImage(found, 0, 0);
    emphasize(); fade(2500); commitSurface(id);
  }
  drawButtons();
};

const loaded = async (url) => { const image = new Image(); image.src = url; await image.decode(); return image; };

const actions = {
  undo: () => step(-1),
  redo: () => step(1),
  fill: () => { const context = pen(state.active); context.fillStyle = active().ink;
    context.fillRect(0, 0, canvas.width, canvas.height); commitSurface(state.active); },
  clear: () => { pen(state.active).clearRect(0, 0, canvas.width, canvas.height); commitSurface(state.active); },
  invert: () => {
    const copy = document.createElement('canvas'), context = pen(state.active);
    copy.width = canvas.width; copy.height = canvas.height;
    copy.getContext('2d').drawImage(surface(state.active), 0, 0);
    context.fillStyle = active().ink; context.fillRect(0, 0, canvas.width, canvas.height);
    context.globalCompositeOperation = 'destination-out'; context.drawImage(copy, 0, 0);
    context.globalCompositeOperation = 'source-over';
    emphasize(); fade(2500); commitSurface(state.active);
  },
  add: () => {
    const layer = makeLayer(fallback(), false);
    commit({ ...state, layers: [...state.layers, layer], active: layer.id });
  },
};

// --- events ---

const point = (e) => {
  const box = canvas.getBoundingClientRect();
  return { x: ((e.clientX - box.left) / box.width) * canvas.width, y: ((e.clientY - box.top) / box.height) * canvas.height };
};
canvas.addEventListener('pointerdown', (e) => {
  if (!e.isPrimary) { abandon(); return; } // a second finger: the browser zooms
  if (e.button !== 0 || !active()) return;
  canvas.setPointerCapture(e.pointerId);
  cursor = point(e); drawRing(cursor); begin(cursor);
});
canvas.addEventListener('pointermove', (e) => {
  if (!e.isPrimary) return;
  cursor = point(e); drawRing(cursor);
  if (!stroke) return;
  const parts = e.getCoalescedEvents ? e.getCoalescedEvents() : [];
  for (const part of parts.length ? parts : [e]) extend(point(part));
});
canvas.addEventListener('pointerup', (e) => {
  if (e.isPrimary && stroke) finish();
  if (e.pointerType === 'touch') drawRing(null);
});
canvas.addEventListener('pointercancel', () => { abandon(); drawRing(null); });
canvas.addEventListener('pointerleave', () => { if (!stroke) drawRing(null); });
canvas.addEventListener('blur', () => { if (boxTool()) abandon(); drawRing(null); });
canvas.addEventListener('focus', () => { if (canvas.matches(':focus-visible')) drawRing(middle()); });
canvas.addEventListener('wheel', (e) => {
  if (e.ctrlKey || e.metaKey || boxTool()) return; // zooming the page is left alone
  e.preventDefault();
  cursor = point(e);
  const turned = e.deltaY * (e.deltaMode ? 33 : 1), by = Math.sign(turned); // some browsers count lines
  resize(size() * Math.exp(-by * Math.min(0.25, Math.abs(turned) * 0.0012)) - by * 0.5);
}, { passive: false });
slider.addEventListener('input', () => resize(size()));
slider.addEventListener('change', () => drawRing(null));

const middle = () => (cursor = cursor || { x: canvas.width / 2, y: canvas.height / 2 });
const keyOnCanvas = (e) => {
  const by = Math.max(4, size() / 2);
  const move = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by], ' ': [0, 0] }[e.key];
  if (e.key === 'Escape') { abandon(); return; }
  if (!move || !active()) return;
  e.preventDefault();
  const at = middle(), clip = (value, most) => Math.max(0, Math.min(most, value));
  const to = { x: clip(at.x + move[0], canvas.width), y: clip(at.y + move[1], canvas.height) };
  if (boxTool()) { // Space sets one corner, then the other
    if (e.key === ' ' && !e.repeat) { if (stroke) finish(); else begin(at); } else if (stroke) extend(to);
  } else if (!e.shiftKey) {
    if (!stroke) begin(at);
    extend(to);
  }
  cursor = to; drawRing(to);
  if (boxTool() && !stroke) drawMarquee(to, { x: to.x + 2, y: to.y + 2 });
};
canvas.addEventListener('keyup', () => { if (stroke && !boxTool()) finish(); });

document.addEventListener('keydown', (e) => {
  if (!element.isConnected || !element.offsetParent) return; // another tab is shown
  if (!element.contains(e.target) && e.target !== document.body) return;
  const typing = e.target.matches('input:not([type=range]), select, textarea');
  const command = e.ctrlKey || e.metaKey, letter = e.key.toLowerCase();
  if (command && !typing && (letter === 'z' || letter === 'y')) {
    e.preventDefault();
    step(letter === 'y' || e.shiftKey ? 1 : -1);
  } else if (!typing && !command && (e.key === '[' || e.key === ']')) {
    e.preventDefault();
    resize(size() * (e.key === ']' ? 1.15 : 1 / 1.15) + (e.key === ']' ? 1 : -1));
  } else if (e.target === canvas && !command) keyOnCanvas(e);
});

const look = find('.look');
const hold = (held) => { board.classList.toggle('held', held); look.setAttribute('aria-pressed', String(held)); };
look.addEventListener('pointerdown', (e) => { look.setPointerCapture(e.pointerId); hold(true); });
for (const end of ['pointerup', 'pointercancel', 'blur']) look.addEventListener(end, () => hold(false));
look.addEventListener('keydown', (e) => { if (e.key === ' ' || e.key === 'Enter') { e.preventDefault(); hold(true); } });
look.addEventListener('keyup', () => hold(false));
look.addEventListener('contextmenu', (e) => e.preventDefault()); // a long touch holds

element.addEventListener('click', (e) => {
  const button = e.target.closest('button'), row = e.target.closest('li[data-id]');
  const id = row ? Number(row.dataset.id) : 0;
  if (button && button.getAttribute('aria-disabled') === 'true') return;
  if (button && button.classList.contains('remove')) {
    const layers = state.layers.filter((layer) => layer.id !== id);
    commit({ ...state, layers, active: state.active === id ? layers[layers.length - 1].id : state.active });
  } else if (row && !e.target.closest('select, input')) {
    if (id !== state.active) show({ ...state, active: id });
  } else if (button && button.dataset.tool) {
    abandon();
    tool = button.dataset.tool;
    board.dataset.tool = tool; marquee.hidden = true;
    for (const other of element.querySelectorAll('[data-tool][aria-pressed]'))
      other.setAttribute('aria-pressed', String(other === button));
  } else if (button && button.dataset.select) selectServer(button.dataset.select);
  else if (button && button.dataset.do === 'tint') {
    const tinted = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', String(tinted)); board.classList.toggle('untinted', !tinted);
  } else if (button && actions[button.dataset.do]) actions[button.dataset.do]();
});

// --- what the server says ---

const restoring = async (saved) => {
  const layers = [];
  for (const { style, mask } of saved.layers) {
    const layer = makeLayer(style, true), context = pen(layer.id);
    layer.ink = INKS[layers.length];
    context.drawImage(await loaded(mask), 0, 0, canvas.width, canvas.height);
    context.globalCompositeOperation = 'source-in'; context.fillStyle = layer.ink;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.globalCompositeOperation = 'source-over';
    layer.data = context.getImageData(0, 0, canvas.width, canvas.height);
    layer.url = surface(layer.id).toDataURL('image/png');
    layers.push(layer);
  }
  return { layers, active: layers[layers.length - 1].id, rest: saved.rest };
};

const start = (next) => { steps = []; now = -1; commit(next); };

const apply = async () => {
  const scene = props.scene;
  if (!scene) return;
  const fresh = scene.key !== key;
  if (fresh) {
    key = scene.key;
    stroke = null; cursor = null; surfaces.clear();
    [canvas.width, canvas.height] = scene.size;
    board.style.setProperty('--ratio', scene.size[0] / scene.size[1]);
    slider.max = Math.max(8, Math.round(scene.size[0] / 3)); slider.value = Math.max(6, Math.round(scene.size[0] / 9));
    photo.src = shown.src = scene.photo;
    state = { layers: [], active: 0, rest: 'photo:' };
  }
  if (scene.restored && scene.restored.n !== restored) {
    restored = scene.restored.n;
    state = { ...state, layers: [] };
    start(await restoring(scene.restored));
  } else if (fresh) {
    const layer = makeLayer(scene.fallback, false);
    start({ layers: [layer], active: layer.id, rest: 'photo:' });
  } else {
    const restyled = (layer) => (layer.chosen ? layer : { ...layer, style: scene.fallback });
    const moved = state.layers.some((layer) => restyled(layer).style !== layer.style);
    if (moved) state = steps[now] = { ...state, layers: state.layers.map(restyled) };
    drawList(); drawButtons();
    if (moved || scene.refresh) send();
  }
};
watch('scene', apply);
watch('selected', added);
watch('picture', () => { shown.src = props.picture || photo.src; fade(stroke ? 2500 : 150); });
apply();
