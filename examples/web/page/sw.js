// Keeps the page for use without a network, and isolates it, so that WebAssembly may use threads: browsers share
// memory only in pages whose answers carry these two headers, which few static hosts can be told to send.
const VERSION = "__VERSION__";
const CACHE = `diffstyle-${VERSION}`;

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      const { files } = await (await fetch("files.json", { cache: "no-store" })).json();
      await cache.addAll(["./", "files.json", ...files].map((name) => new Request(name, { cache: "reload" })));
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith("diffstyle-") && name !== CACHE) await caches.delete(name);
      }
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== location.origin) return;
  event.respondWith(answer(request));
});

async function answer(request) {
  const cache = await caches.open(CACHE);
  const found = await cache.match(request, { ignoreSearch: true });
  if (found) return isolated(found);
  const fetched = await fetch(request);
  if (fetched.ok && fetched.status === 200) await cache.put(request, fetched.clone());
  return isolated(fetched);
}

function isolated(response) {
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
