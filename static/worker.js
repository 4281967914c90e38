// The page's service worker: keeps the page and every model that was fetched, so that both are there without a network.
//
// `cargo xtask` writes it into the built folder as `sw.js`, behind one line that says what was built:
//   const BUILD = { version, shell: [paths], models: { path: hash } };
// The version is a hash over every file of the shell. A new version is fetched whole beside the old one and takes over
// once no open page needs the old one, or when the visitor asks for it; an open page never meets files of two versions.
"use strict";

const SCOPE = new URL(registration.scope).pathname;
// Several copies of the page may live on one origin: each has caches of its own.
const PREFIX = `unmask ${SCOPE} `;
const SHELL = PREFIX + BUILD.version;
const MODELS = `${PREFIX}models`;

addEventListener("install", (event) => event.waitUntil(fetchShell()));
addEventListener("activate", (event) => event.waitUntil(takeOver()));
addEventListener("fetch", answer);
addEventListener("message", (event) => {
  const { keep, take, forget, all } = event.data;
  const tell = (answer) => event.ports[0].postMessage(answer);
  if (take) skipWaiting();
  if (keep) event.waitUntil(keepModel(keep).then(tell));
  if (forget) event.waitUntil(caches.delete(MODELS).then(tell));
  if (all) event.waitUntil(hasAll().then(tell));
});

/** All files of this version, or none: one that is missing fails the installation, and the old version stays. */
async function fetchShell() {
  const shell = await caches.open(SHELL);
  // Past the browser's own cache, which may hold a file of the version before.
  await shell.addAll(BUILD.shell.map((path) => new Request(path, { cache: "no-cache" })));
}

/** Drops what no version needs any more, and answers for pages that were open before. */
async function takeOver() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== SHELL && name !== MODELS);
  await Promise.all(old.map((name) => caches.delete(name)));
  const models = await caches.open(MODELS);
  const wanted = new Set(Object.keys(BUILD.models).map((path) => new URL(keyOf(path), registration.scope).href));
  const stale = (await models.keys()).filter((request) => !wanted.has(request.url));
  await Promise.all(stale.map((request) => models.delete(request)));
  await clients.claim();
}

function answer(event) {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || !url.pathname.startsWith(SCOPE)) return;
  const path = url.pathname.slice(SCOPE.length);
  const isPage = path === "" || path === "index.html";
  if (isPage && request.mode === "navigate") event.respondWith(fromShell("./", request));
  else if (BUILD.shell.includes(path)) event.respondWith(fromShell(path, request));
  else if (path in BUILD.models) event.respondWith(fromModels(path, event));
}

/** A file of this version. A browser short of room may have dropped it: then from the network. */
async function fromShell(path, request) {
  const found = await caches.match(path, { cacheName: SHELL });
  if (!found) return fetch(request);
  // Where the server answered "./" by a redirect, browsers refuse to open a page from that answer as it stands.
  return found.redirected ? new Response(found.body, { headers: found.headers }) : found;
}

/** A model is kept under its content's hash: a new version of the page fetches it anew only if it has changed. */
const keyOf = (path) => `${path}?${BUILD.models[path]}`;
/** Models that are being written to the cache now, by path. */
const writing = new Map();

async function fromModels(path, event) {
  const found = await caches.match(keyOf(path), { cacheName: MODELS });
  if (found) return found;
  const response = await fetch(path, { cache: "no-cache" });
  if (response.status === 200) event.waitUntil(write(path, response.clone()));
  return response;
}

/** Tells whether the model is in the cache now. A full disk is no failure of the page. */
function write(path, response) {
  const written = caches
    .open(MODELS)
    .then((models) => models.put(keyOf(path), response))
    .then(() => true, () => false)
    .finally(() => writing.delete(path));
  writing.set(path, written);
  return written;
}

/** Makes sure that a model is kept which the page fetched before this worker was there. */
async function keepModel(path) {
  if (!(path in BUILD.models)) return false;
  if (writing.has(path)) return writing.get(path);
  if (await caches.match(keyOf(path), { cacheName: MODELS })) return true;
  // The browser's own cache still has it, most likely.
  const response = await fetch(path, { cache: "force-cache" }).catch(() => null);
  return response?.status === 200 ? write(path, response) : false;
}

/** Tells whether every model is kept. */
async function hasAll() {
  const kept = Object.keys(BUILD.models).map((path) => caches.match(keyOf(path), { cacheName: MODELS }));
  return (await Promise.all(kept)).every(Boolean);
}
