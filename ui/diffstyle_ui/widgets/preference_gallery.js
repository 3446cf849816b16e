const dialog = element.querySelector('dialog'), cells = [...dialog.querySelectorAll('.cell')];
const part = (name) => dialog.querySelector(name), act = (name) => dialog.querySelector(`[data-do=${name}]`);
let state = { open: false, serial: 0 }, sent = false, closed = 0, ended = false;

const draw = () => {
  part('.round').textContent = `Round ${state.round} of ${state.rounds}`;
  cells.forEach((cell, n) => {
    const { url, label } = state.cells[n], image = cell.querySelector('img');
    if (url) image.src = url; else image.removeAttribute('src');
    image.alt = label;
    cell.setAttribute('aria-label', `${n + 1}: ${label}`);
    cell.setAttribute('aria-disabled', String(!url || sent));
    cell.setAttribute('aria-current', String(n === state.kept));
  });
  act('back').disabled = sent || state.kept < 0;
  act('enough').disabled = sent || state.kept < 0;
};
const send = (event, data) => { sent = true; trigger(event, { round: state.round, ...data }); };
const pick = (n) => {
  if (sent || !state.cells[n]?.url) return;
  state = { ...state, kept: n, cells: state.cells.map((cell, m) => (m === n ? cell : { url: '', label: '' })) };
  send(state.round < state.rounds ? 'select' : 'submit', { n });
  part('.note').textContent = 'Painting others like it …';
  draw();
};
const shut = () => { closed = state.serial; ended = true; state = { ...state, open: false }; if (dialog.open) dialog.close(); };
const acts = {
  back: () => { send('undo', {}); draw(); },
  enough: () => { send('submit', { n: state.kept }); draw(); },
  close: () => dialog.close(),
};
watch('shown', () => {
  const shown = props.shown;
  if (!shown.open) return shut();
  if (shown.serial < state.serial || shown.serial <= closed) return;
  if (ended && (shown.round > 1 || shown.kept >= 0)) return;  // the answer to a pick before it was closed
  ended = false;
  if (shown.serial > state.serial) sent = false;
  state = shown;
  draw();
  if (!dialog.open) { dialog.showModal(); dialog.focus(); }
});
watch('note', () => { if (props.note) part('.note').textContent = props.note; });
dialog.addEventListener('click', (e) => {
  const button = e.target.closest('button');
  if (button?.dataset.n) pick(Number(button.dataset.n));
  else if (button?.dataset.do) acts[button.dataset.do]();
});
dialog.addEventListener('keydown', (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  if (/^[1-6]$/.test(e.key)) { e.preventDefault(); pick(Number(e.key) - 1); }
  else if (e.key === 'Backspace' && !act('back').disabled) { e.preventDefault(); acts.back(); }
});
dialog.addEventListener('close', () => { if (state.open) { shut(); trigger('clear', {}); } });
