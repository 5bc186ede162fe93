import { keepUp } from "./live.js";
import { openSource } from "./source.js";
import { altOf, firstIndex, formatter, make, sharpenHero, words } from "./tiles.js";
import { openWall } from "./wall.js";

/** How long to wait before trying again when the network fails at the start. */
const RETRY_MS = 4000;
/** The lightbox is fetched when the first screen had its turn. */
const IDLE_MS = 2500;

const source = openSource(firstIndex);
const wall = openWall(/** @type {HTMLElement} */ (document.getElementById("wall")), source);
const live = keepUp(source, wall);

/** @type {Promise<[typeof import("photoswipe"), typeof import("./lightbox.js"), unknown]> | null} */
let viewer = null;

/** Loads the lightbox once; after a failure the next call tries again. */
function loadViewer() {
  const [library, ours, style] = source.index()?.lightbox ?? [];
  viewer ??= Promise.all([import(library ?? ""), import(ours ?? ""), addStyle(style ?? "")]);
  viewer.catch(() => {
    viewer = null;
  });
  return viewer;
}

/** @param {string} link */
function addStyle(link) {
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = link;
  return new Promise((resolve, reject) => {
    sheet.addEventListener("load", resolve);
    sheet.addEventListener("error", reject);
    document.head.append(sheet);
  });
}

/** @param {HTMLAnchorElement} tile */
async function view(tile) {
  try {
    const [library, ours] = await loadViewer();
    const position = Number(tile.dataset.i);
    await source.load(position);
    ours.openLightbox(library.default, { position, source, wall, live, words, altOf, formatter, make });
  } catch {
    // Without the lightbox a tile is what it looks like: a link to its picture.
    location.assign(tile.href);
  }
}

async function start() {
  if ((await source.refresh()) === "gone") return;
  const index = source.index();
  if (!index) {
    setTimeout(start, RETRY_MS);
    return;
  }
  try {
    if (index.count) await source.load(0);
  } catch {
    setTimeout(start, RETRY_MS);
    return;
  }
  wall.arrangeAll();
  live.begin();
  addEventListener("scroll", wall.paint, { passive: true });
  addEventListener("resize", wall.resize);
  addEventListener("online", wall.paint);
  if (document.readyState === "complete") whenIdle();
  else addEventListener("load", whenIdle);
}

/** What can wait until the first screen had the network for itself. Neither is missed when it fails. */
function whenIdle() {
  // Half a megabyte: on a slow network, what people scroll to comes first, for as long again as the page took.
  setTimeout(() => sharpenHero().catch(() => undefined), Math.min(performance.now(), 2 * IDLE_MS));
  setTimeout(() => loadViewer().catch(() => undefined), IDLE_MS);
}

document.addEventListener("click", (event) => {
  const tile = event.target instanceof Element ? event.target.closest("a[data-i]") : null;
  const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!(tile instanceof HTMLAnchorElement) || !isPlain || !source.index()) return;
  event.preventDefault();
  view(tile);
});

start();
