// The painted clip leads, with the sound; the original follows it: a little faster or slower, or in one jump.
const JUMP = 0.25, NEAR = 0.02;
const figure = () => element.querySelector('.clip');
const lead = () => element.querySelector('video.painted');
const other = () => element.querySelector('video.original');
const both = () => [lead(), other()].filter(Boolean);
const position = () => element.querySelector('.bar input');
const clock = (s, length) => length < 10 ? s.toFixed(1) : `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, '0')}`;
const show = () => {
  const video = lead(), range = position();
  if (!video || !range || !Number.isFinite(video.duration)) return;
  range.max = video.duration;
  if (!held) range.value = video.currentTime;
  const words = [video.currentTime, video.duration].map((s) => clock(s, video.duration)).join(' / ');
  range.setAttribute('aria-valuetext', words.replace('/', 'of'));
  element.querySelector('.time').textContent = words;
};
const follow = () => {
  const video = lead(), second = other();
  if (!video || video.paused) return;
  if (second && !second.seeking && Number.isFinite(second.duration)) {
    const ahead = second.currentTime - Math.min(video.currentTime, second.duration);
    if (Math.abs(ahead) > JUMP) second.currentTime = video.currentTime;
    second.playbackRate = Math.abs(ahead) > NEAR ? 1 - Math.max(-0.25, Math.min(0.25, 2 * ahead)) : 1;
    if (second.paused && !second.ended) second.play().catch(() => {});
  }
  show();
  requestAnimationFrame(follow);
};
const marked = () => {
  const playing = Boolean(lead()) && !lead().paused;
  figure()?.classList.toggle('playing', playing);
  element.querySelector('[data-do=play]')?.setAttribute('aria-label', playing ? 'Pause' : 'Play');
};
const seek = (to) => { for (const video of both()) video.currentTime = to; };
const play = () => {
  if (lead().ended) seek(0);
  if (other()) other().currentTime = lead().currentTime;
  return Promise.all(both().map((video) => video.play())).catch(() => {});
};
const pause = () => { for (const video of both()) video.pause(); };
const toggle = () => { if (lead()) lead().paused ? play() : pause(); };
let held = false;
element.addEventListener('click', (e) => {
  const does = e.target.closest('[data-do]')?.dataset.do;
  if (does === 'mute') {
    lead().muted = !lead().muted;
    e.target.closest('button').setAttribute('aria-pressed', lead().muted);
  } else if (does === 'play' || e.target.closest('.screen')) toggle();
});
element.addEventListener('input', (e) => {
  if (e.target !== position()) return;
  held = true; seek(Number(e.target.value)); held = false;
  show();
});
// events of media do not bubble
element.addEventListener('play', (e) => { if (e.target === lead()) { marked(); requestAnimationFrame(follow); } }, true);
element.addEventListener('pause', (e) => { if (e.target === lead()) { other()?.pause(); if (other()) other().currentTime = lead().currentTime; marked(); } }, true);
element.addEventListener('ended', (e) => {
  if (e.target !== lead()) return;
  if (figure().dataset.again === '1') { seek(0); play(); } else marked();
}, true);
element.addEventListener('loadedmetadata', () => {
  figure().classList.toggle('tall', lead().videoHeight > lead().videoWidth);
  show();
}, true);
element.addEventListener('seeked', show, true);
const begin = () => {
  for (const video of both()) if (video.hasAttribute('muted')) video.muted = true;
  if (figure()?.dataset.again === '1' && !matchMedia('(prefers-reduced-motion: reduce)').matches) play();
  show(); marked();
};
watch('value', begin);
begin();
