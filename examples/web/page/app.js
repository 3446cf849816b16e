// The page: a photo or the camera in, the painting out, with sliders for the student's styles.
const at = (id) => document.getElementById(id);
const canvas = at("picture");
const context = canvas.getContext("2d", { willReadFrequently: true });
const source = document.createElement("canvas"); // what is painted, at the size that is painted
const sourceContext = source.getContext("2d", { willReadFrequently: true });
const video = at("video");
const worker = new Worker("worker.js", { type: "module" });
const waiting = new Map();
const state = { models: [], model: null, photo: null, stream: null, facing: "environment", loaded: false, where: "" };
const page = { busy: false, again: false, frames: 0, times: [], number: 0 };

worker.onmessage = ({ data }) => {
  const asker = waiting.get(data.id);
  waiting.delete(data.id);
  if (data.kind === "error") asker?.reject(new Error(data.message));
  else asker?.resolve(data);
};
worker.onerror = (event) => say(`The painter could not start: ${event.message ?? "worker.js cannot be loaded"}`);

await isolate();
await begin();

/** Reload once under the service worker, which isolates the page; without one the page works with one thread. */
async function isolate() {
  if (!("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register("sw.js");
    await navigator.serviceWorker.ready;
  } catch {
    return; // a private window, or a page that is not served over https
  }
  if (window.crossOriginIsolated || sessionStorage.getItem("reloaded")) return;
  sessionStorage.setItem("reloaded", "yes");
  location.reload();
  await new Promise(() => {});
}

async function begin() {
  state.models = await (await fetch("models.json")).json();
  at("student").replaceChildren(...state.models.map((model, n) => new Option(model.name, n)));
  at("student").addEventListener("change", () => choose(Number(at("student").value)));
  at("photo").addEventListener("change", (event) => open(event.target.files[0]));
  at("camera").addEventListener("click", () => (state.stream ? stop() : start()));
  at("turn").addEventListener("click", turn);
  at("save").addEventListener("click", save);
  at("side").addEventListener("change", changed);
  watch(at("strength"));
  for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
  document.addEventListener("drop", (event) => open(event.dataTransfer.files[0]));
  document.addEventListener("visibilitychange", () => document.hidden || changed());
  await choose(0);
}

/** Load a student and show a slider for each of its styles. */
async function choose(number) {
  state.model = state.models[number];
  state.loaded = false;
  say(`Loading ${state.model.name}…`);
  at("styles").replaceChildren(at("styles").firstElementChild, ...state.model.styles.map(slider));
  const wanted = new URLSearchParams(location.search).get("provider");
  try {
    const { where } = await ask({ kind: "load", url: new URL(state.model.file, location.href).href, wanted });
    state.loaded = true;
    ready(where);
    changed();
  } catch (error) {
    say(`${state.model.name} cannot be loaded: ${error.message}`);
  }
}

function ready(where) {
  state.where = where;
  say(`Ready: ${state.model.name}, on ${where}. Licence: ${state.model.licence || "not given"}.`);
}

function slider(name, number) {
  const label = document.createElement("label");
  label.className = "slider";
  const text = document.createElement("span");
  text.textContent = name;
  const input = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 100 });
  input.value = number === 0 ? 100 : 0;
  const output = document.createElement("output");
  output.textContent = input.value;
  label.append(text, input, output);
  watch(input);
  return label;
}

function watch(input) {
  input.addEventListener("input", () => {
    input.nextElementSibling.textContent = input.value;
    changed();
  });
}

/** The share of each style; none at all means the photo. */
function asked() {
  const values = [...at("styles").querySelectorAll("input")].map((input) => Number(input.value));
  const total = values.reduce((sum, value) => sum + value, 0);
  const strength = total ? Number(at("strength").value) / 100 : 0;
  return { weights: values.map((value) => (total ? value / total : 1 / values.length)), strength };
}

async function open(file) {
  if (!file) return;
  try {
    const photo = await createImageBitmap(file);
    stop();
    state.photo = photo;
    changed();
  } catch {
    say(`${file.name} is no picture that this browser reads.`);
  }
}

async function start() {
  if (!navigator.mediaDevices?.getUserMedia) return say("The camera needs a page served over https, or from localhost.");
  try {
    const wanted = { facingMode: state.facing, width: { ideal: 1280 }, height: { ideal: 720 } };
    state.stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
  } catch (error) {
    return say(error.name === "NotAllowedError" ? "The browser was not allowed to use the camera." : "There is no camera.");
  }
  video.srcObject = state.stream;
  await video.play();
  at("camera").setAttribute("aria-pressed", "true");
  at("turn").hidden = false;
  changed();
}

function stop() {
  for (const track of state.stream?.getTracks() ?? []) track.stop();
  state.stream = null;
  video.srcObject = null;
  page.times = [];
  at("camera").setAttribute("aria-pressed", "false");
  at("turn").hidden = true;
}

async function turn() {
  stop();
  state.facing = state.facing === "user" ? "environment" : "user";
  await start();
}

/** Paint again; while a picture is painted, once more after it. */
async function changed() {
  page.again = true;
  if (page.busy || !state.loaded) return;
  page.busy = true;
  try {
    while (page.again && state.loaded) {
      page.again = Boolean(state.stream) && !document.hidden;
      if (!(await paint())) break;
      if (state.stream) await new Promise(requestAnimationFrame);
    }
  } catch (error) {
    say(`It could not be painted: ${error.message}`);
  } finally {
    page.busy = false;
  }
}

async function paint() {
  const from = state.stream ? video : state.photo;
  const [width, height] = state.stream ? [video.videoWidth, video.videoHeight] : [from?.width ?? 0, from?.height ?? 0];
  if (!width) return false;
  const scale = Math.min(1, Number(at("side").value) / Math.max(width, height));
  source.width = Math.max(40, Math.round(width * scale));
  source.height = Math.max(40, Math.round(height * scale));
  sourceContext.imageSmoothingQuality = "high";
  sourceContext.drawImage(from, 0, 0, source.width, source.height);
  const size = { width: source.width, height: source.height };
  const pixels = sourceContext.getImageData(0, 0, size.width, size.height);
  const { weights, strength } = asked();
  let milliseconds = 0;
  let shown = pixels;
  if (strength > 0) {
    const found = await ask({ kind: "paint", pixels: pixels.data, ...size, weights, strength }, [pixels.data.buffer]);
    milliseconds = found.milliseconds;
    if (found.where !== state.where) ready(found.where); // WebGPU was given up
    shown = new ImageData(found.pixels, size.width, size.height);
  }
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
  context.putImageData(shown, 0, 0);
  page.frames += 1;
  canvas.dataset.frames = page.frames;
  canvas.dataset.asked = JSON.stringify({ weights, strength });
  at("empty").hidden = true;
  at("save").disabled = false;
  figures(milliseconds, size);
  return true;
}

/** Milliseconds of a picture, and of the camera the frames in the last two seconds. */
function figures(milliseconds, { width, height }) {
  const now = performance.now();
  page.times = [...page.times.filter((time) => now - time < 2000), now];
  const span = now - page.times[0];
  const rate = state.stream && span > 300 ? `${((1000 * (page.times.length - 1)) / span).toFixed(1)} frames/s, ` : "";
  at("figures").textContent = `${rate}${Math.round(milliseconds)} ms, ${width}×${height}`;
}

function save() {
  canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = "painting.png";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}

function ask(message, transfer = []) {
  const id = ++page.number;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, ...message }, transfer);
  });
}

function say(text) {
  at("status").textContent = text;
}
