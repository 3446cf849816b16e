// The second half of the script of mask_editor.py: what pointer, keys and server do to the painting of mask_editor.js.

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
