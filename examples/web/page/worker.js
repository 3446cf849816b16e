// Paints pictures with a student, away from the page's own thread: on WebGPU where the browser has it, else in
// WebAssembly, with threads where the page is isolated.
let ort = null;
let provider = "";
let session = null;
let source = ""; // of the student

self.onmessage = async ({ data }) => {
  try {
    if (data.kind === "load") await load(data);
    else await paint(data);
  } catch (error) {
    self.postMessage({ kind: "error", id: data.id, message: String(error?.message ?? error) });
  }
};

async function load({ id, url, wanted }) {
  if (!ort) await choose(wanted);
  await session?.release();
  session = null;
  source = url;
  try {
    session = await create(url);
  } catch (error) {
    await retreat(error);
  }
  self.postMessage({ kind: "loaded", id, where: where() });
}

/** From a WebGPU adapter that cannot run the network to WebAssembly. */
async function retreat(error) {
  if (provider !== "webgpu") throw error;
  console.warn(`WebGPU: ${error?.message ?? error}`);
  await choose("wasm");
  session = await create(source);
}

function where() {
  const threads = ort.env.wasm.numThreads;
  return provider === "webgpu" ? "WebGPU" : `WebAssembly, ${threads} thread${threads > 1 ? "s" : ""}`;
}

async function choose(wanted) {
  const gpu = wanted !== "wasm" && (await navigator.gpu?.requestAdapter().catch(() => null));
  provider = gpu ? "webgpu" : "wasm";
  ort = await import(`./ort/ort.${provider}.min.mjs`);
  ort.env.wasm.wasmPaths = new URL("./ort/", self.location.href).href;
  ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(8, navigator.hardwareConcurrency || 1) : 1;
}

function create(url) {
  return ort.InferenceSession.create(url, { executionProviders: [provider], graphOptimizationLevel: "all" });
}

async function paint({ id, pixels, width, height, weights, strength }) {
  const started = performance.now();
  const count = width * height;
  const planes = new Float32Array(3 * count);
  for (let n = 0, at = 0; n < count; n++, at += 4) {
    planes[n] = pixels[at] / 255;
    planes[count + n] = pixels[at + 1] / 255;
    planes[2 * count + n] = pixels[at + 2] / 255;
  }
  const feeds = () => ({
    photo: new ort.Tensor("float32", planes, [1, 3, height, width]),
    weights: new ort.Tensor("float32", Float32Array.from(weights), [1, weights.length]),
    strength: new ort.Tensor("float32", Float32Array.of(strength), [1, 1]),
  });
  let painting;
  try {
    ({ painting } = await session.run(feeds()));
  } catch (error) {
    await retreat(error);
    ({ painting } = await session.run(feeds()));
  }
  const values = await painting.getData();
  for (let n = 0, at = 0; n < count; n++, at += 4) {
    pixels[at] = 255 * values[n]; // the array clamps and rounds
    pixels[at + 1] = 255 * values[count + n];
    pixels[at + 2] = 255 * values[2 * count + n];
  }
  painting.dispose();
  const milliseconds = performance.now() - started;
  self.postMessage({ kind: "painted", id, pixels, where: where(), milliseconds }, [pixels.buffer]);
}
