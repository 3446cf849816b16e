// A group of buttons as one Tab stop, within which the arrow keys move: the toolbar pattern of WAI-ARIA.
// Call it again when the buttons were replaced.
const roving = (group) => {
  const items = () => [...group.querySelectorAll('button, [role=button]')];
  const only = (item) => { for (const other of items()) other.tabIndex = other === item ? 0 : -1; };
  only(items()[0]);
  if (group.dataset.roving) return;
  group.dataset.roving = 1;
  group.addEventListener('focusin', (e) => { if (items().includes(e.target)) only(e.target); });
  group.addEventListener('keydown', (e) => {
    const all = items(), n = all.indexOf(e.target), step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (n < 0 || !step) return;
    e.preventDefault(); e.stopPropagation();
    all[(n + step + all.length) % all.length].focus();
  });
};
