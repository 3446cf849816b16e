const visible = () => document.querySelector('#compare')?.offsetParent;
const give = (files, box) => {
  const pictures = [...files].filter((f) => f.type.startsWith('image/') || /\.(heic|heif|avif|jxl|tiff?)$/i.test(f.name));
  if (!pictures.length) return false;
  const transfer = new DataTransfer();
  for (const f of box === '#photo' ? pictures.slice(0, 1) : pictures) transfer.items.add(f);
  hand(transfer.files, box);
  return true;
};
// a box that is changing its picture has no input for a moment
const hand = (files, box, tries = 100) => {
  const input = document.querySelector(box + ' input[type=file]');
  if (!input) {
    if (tries) setTimeout(hand, 100, files, box, tries - 1);
    return;
  }
  input.files = files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
};
const carries = (e) => [...(e.dataTransfer?.types || [])].includes('Files');
const mark = (on) => document.body.classList.toggle('dropping', on);
document.addEventListener('dragover', (e) => { if (carries(e) && visible()) { e.preventDefault(); mark(true); } });
document.addEventListener('dragleave', (e) => { if (!e.relatedTarget) mark(false); });
document.addEventListener('drop', (e) => {
  mark(false);
  if (!carries(e) || !visible()) return;
  e.preventDefault();
  give(e.dataTransfer.files, e.target.closest?.('#add-style, #mix') ? '#style-pictures' : '#photo');
});
const controls = document.querySelector('#controls');
const sliders = '#first-settings input[type=number], .weight input[type=number]';  // the sliders beside them are enough
const lessStops = () => { for (const box of document.querySelectorAll(sliders)) box.tabIndex = -1; };
if (controls) new MutationObserver(lessStops).observe(controls, { childList: true, subtree: true });
lessStops();
document.addEventListener('paste', (e) => { if (visible() && give(e.clipboardData.files, '#photo')) e.preventDefault(); });
