const box = element.querySelector('input'), facts = element.querySelector('.facts');
let timer = 0, keep = 0, replace = false, last = '', examples = EXAMPLES, shown = 0;
const say = () => {
  clearTimeout(timer);
  if (box.value.trim() === last) return;
  last = box.value.trim();
  ask({ words: last, keep, replace });
};
box.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(say, PAUSE); });
box.addEventListener('blur', () => { if (box.value.trim()) say(); });  // before what is clicked next
box.addEventListener('keydown', (e) => { if (e.key === 'Enter') { e.preventDefault(); last = null; say(); } });
element.querySelector('.more').addEventListener('click', () => {
  keep = props.count; replace = false; box.value = ''; last = ''; box.placeholder = 'and another style …'; facts.replaceChildren(); box.focus();
});
document.addEventListener('click', (e) => {
  const row = e.target.closest('#mix [data-words]');
  if (!row) return;
  clearTimeout(timer);
  keep = [...document.querySelectorAll('#mix .part')].indexOf(row); replace = true;
  box.value = row.dataset.words; last = box.value.trim();
  facts.replaceChildren(); box.focus(); box.select();
});
const fact = (f, n) => {
  const chip = document.createElement('span');
  chip.className = f.options ? 'fact' : 'fact unknown';
  const kind = document.createElement('i');
  kind.textContent = f.kind + ':'; chip.append(kind);
  if (!f.options) { chip.append(' ' + f.value); return chip; }
  const select = document.createElement('select');
  select.setAttribute('aria-label', f.kind + ': ' + f.value);
  for (const option of f.options) select.add(new Option(option, option, false, option === f.value));
  select.addEventListener('change', () => edit(n, select.value));
  const remove = document.createElement('button');
  remove.type = 'button'; remove.textContent = '×'; remove.setAttribute('aria-label', 'Remove ' + f.kind + ' ' + f.value);
  remove.addEventListener('click', () => edit(n, ''));
  chip.append(select, remove);
  return chip;
};
const edit = (n, value) => {
  const edited = props.facts.filter((f) => f.options).map((f) => ({ kind: f.kind, value: f.value, weight: f.weight }));
  if (value) edited[n].value = value; else edited.splice(n, 1);
  trigger('edit', { facts: edited, keep, replace });
};
watch('facts', () => facts.replaceChildren(...props.facts.map(fact)));
watch('said', () => {
  const { words, keep: kept, replace: alone } = props.said;
  clearTimeout(timer);
  keep = kept; replace = !!alone; last = words.trim();
  box.value = words;
});
setInterval(() => {
  if (!box.value && document.activeElement !== box && !document.hidden && !keep)
    box.placeholder = examples[shown = (shown + 1) % examples.length];
}, 3500);
