const wall = element.querySelector('.wall'), search = element.querySelector('input[type=search]');
const tiles = () => [...wall.querySelectorAll('.tile')];
const shown = () => tiles().filter((t) => !t.hidden);
const pick = (t) => t.querySelector('.pick');
let group = 'All', found = null, asked = 0, painted = {}, photo = '', waits = 0;

const order = [...wall.querySelectorAll('.tile')];
const filter = () => {
  if (!found) wall.append(...order.filter((t) => t.isConnected), ...tiles().filter((t) => !order.includes(t)));
  for (const t of tiles()) t.hidden = found ? !found.includes(t.dataset.key) : group !== 'All' && t.dataset.group !== group;
  if (found) for (const key of found) { const t = tiles().find((t) => t.dataset.key === key); if (t) wall.append(t); }
  wall.querySelector('.none').hidden = shown().length > 0;
  wall.scrollTo(0, 0); rove(shown()[0]); want();
};
const rove = (t) => { for (const other of tiles()) pick(other).tabIndex = other === t ? 0 : -1; };
const inView = (t) => {
  const a = t.getBoundingClientRect(), b = wall.getBoundingClientRect();
  return a.bottom > Math.max(b.top, 0) && a.top < Math.min(b.bottom, innerHeight) && a.right > b.left - 40 && a.left < b.right + 40;
};
const ready = (t) => painted[t.dataset.key] || (!props.photo && t.querySelector('img.own').hasAttribute('src'));
const want = () => {
  if (document.hidden || !wall.offsetParent || Date.now() - asked < 8000) return;
  const names = shown().filter((t) => !ready(t) && inView(t)).slice(0, BATCH).map((t) => t.dataset.key);
  if (!names.length) return;
  asked = Date.now(); trigger('apply', { names });
};
let timer = 0;
const soon = (ms) => { clearTimeout(timer); timer = setTimeout(want, ms); };
watch('painted', () => {
  asked = 0;
  const { photo: of, tiles: urls } = props.painted;
  if (of !== photo) { photo = of; painted = {}; }
  for (const t of tiles()) {
    const url = urls[t.dataset.key];
    if (url) { painted[t.dataset.key] = true; t.classList.add('own'); t.querySelector('img.own').src = url; }
  }
  waits = Object.keys(urls).length ? 0 : Math.min(waits + 1, 6);
  soon(60 + 500 * waits);
});
watch('photo', () => {
  painted = {}; asked = 0; waits = 0; wall.classList.add('repainting'); soon(600);
  for (const t of tiles()) t.classList.remove('own');
});
watch('chosen', () => {
  for (const t of tiles()) pick(t).setAttribute('aria-pressed', String(props.chosen.includes(t.dataset.key)));
});
watch('found', () => { if (search.value.trim()) { found = props.found; filter(); } });  // else it was emptied meanwhile
watch('mine', () => {
  for (const t of tiles()) if (t.dataset.group === 'Mine') t.remove();
  wall.insertAdjacentHTML('beforeend', props.mine); filter();
});
element.addEventListener('click', (e) => {
  const button = e.target.closest('button');
  if (!button) return;
  if (button.dataset.group) {
    group = button.dataset.group; found = null; search.value = ''; clearTimeout(typing);
    for (const b of element.querySelectorAll('.wall-bar button')) b.setAttribute('aria-pressed', String(b === button));
    return filter();
  }
  const t = button.closest('.tile');
  rove(t);
  trigger('select', { name: t.dataset.key, add: button.matches('.plus') });
});
element.addEventListener('keydown', (e) => {
  const t = e.target.closest('.tile');
  if (!t) return;
  if (e.key === '+') { e.preventDefault(); return trigger('select', { name: t.dataset.key, add: true }); }
  const all = shown(), n = all.indexOf(t), columns = Math.max(1, Math.round(wall.clientWidth / (t.offsetWidth + 8)));
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -n, End: all.length - 1 - n }[e.key];
  if (step === undefined) return;
  e.preventDefault();
  const next = all[Math.max(0, Math.min(all.length - 1, n + step))];
  rove(next); pick(next).focus();
});
let typing = 0;
search.addEventListener('input', () => {
  clearTimeout(typing);
  if (search.value.trim()) typing = setTimeout(() => trigger('input', { words: search.value }), 350);
  else { found = null; filter(); }
});
wall.addEventListener('scroll', () => soon(150));
addEventListener('scroll', () => soon(200), { passive: true });
document.addEventListener('visibilitychange', () => soon(300));
new ResizeObserver(() => soon(300)).observe(wall);
new IntersectionObserver(() => soon(100)).observe(wall);
roving(element.querySelector('.groups'));
rove(tiles()[0]); soon(1200);
