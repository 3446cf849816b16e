const place = () => {
  const range = element.querySelector('input[type=range]'), tools = element.querySelector('.tools');
  if (range) range.value = element.dataset.split || 50;
  if (tools) roving(tools);
};
element.addEventListener('input', (e) => {
  if (e.target.type !== 'range') return;
  element.dataset.split = e.target.value;
  element.style.setProperty('--split', e.target.value + '%');
});
watch('value', place);
place();

let zoom = 1;
const zoomTo = (to, at) => {
  const view = element.querySelector('.view'), box = view.getBoundingClientRect();
  const x = at ? at.clientX - box.left : box.width / 2, y = at ? at.clientY - box.top : box.height / 2;
  const px = (view.scrollLeft + x) / zoom, py = (view.scrollTop + y) / zoom;
  zoom = to < 1.05 ? 1 : Math.min(8, to);  // steps up and down do not end at exactly 1
  element.style.setProperty('--zoom', zoom);
  element.classList.toggle('zoomed', zoom > 1);
  view.scrollTo(px * zoom - x, py * zoom - y);
};
const shown = () => element.querySelector('img.after');
const file = async () => {
  const link = element.querySelector('.download');
  const blob = await (await fetch(link.getAttribute('href') || shown().src)).blob();
  return new File([blob], link.getAttribute('download'), { type: blob.type });
};
const note = (words) => {
  const said = element.querySelector('.said');
  said.textContent = words; said.classList.remove('sr-only');
  setTimeout(() => said.classList.add('sr-only'), 2500);
};
const share = async () => {
  const picture = await file();
  if (navigator.canShare?.({ files: [picture] })) return navigator.share({ files: [picture], title: picture.name });
  const image = await createImageBitmap(picture), canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext('2d').drawImage(image, 0, 0);
  await navigator.clipboard.write([new ClipboardItem({ 'image/png': canvas.convertToBlob({ type: 'image/png' }) })]);
  note('The picture is copied: paste it anywhere.');
};
element.addEventListener('click', (e) => {
  const tool = e.target.closest('[data-tool]');
  if (!tool) return;
  const act = {
    in: () => zoomTo(zoom * 1.6), out: () => zoomTo(zoom / 1.6),
    full: () => document.fullscreenElement ? document.exitFullscreen() : element.querySelector('.compare').requestFullscreen(),
    share: () => share().catch((error) => { if (error.name !== 'AbortError') note('This browser cannot share it: download it.'); }),
    photo: () => document.querySelector('#photo input[type=file]').click(),
    link: () => navigator.clipboard.writeText(location.origin + location.pathname + tool.dataset.query)
      .then(() => note('The link is copied.'), () => note('This browser copies no links.')),
    download: () => { if (!tool.getAttribute('href')) { tool.href = shown().src; setTimeout(() => tool.removeAttribute('href')); } },
  }[tool.dataset.tool];
  if (tool.dataset.tool !== 'download') e.preventDefault();
  act();
}, true);
element.addEventListener('dblclick', (e) => { if (e.target.closest('.view')) zoomTo(zoom > 1 ? 1 : 3, e); });
element.addEventListener('wheel', (e) => {
  if (!e.target.closest('.view') || !(e.ctrlKey || zoom > 1 || document.fullscreenElement)) return;
  e.preventDefault(); zoomTo(zoom * Math.exp(-e.deltaY / 300), e);
}, { passive: false });
let from = null;
element.addEventListener('pointerdown', (e) => {
  const view = e.target.closest('.view');
  if (zoom === 1 || !view || e.pointerType === 'touch') return;
  from = { x: e.clientX + view.scrollLeft, y: e.clientY + view.scrollTop }; e.preventDefault();
});
addEventListener('pointermove', (e) => { if (from) element.querySelector('.view').scrollTo(from.x - e.clientX, from.y - e.clientY); });
addEventListener('pointerup', () => { from = null; });
