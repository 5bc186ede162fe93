/** @typedef {import("../src/gallery/format.ts").ShellData} ShellData */

/** @type {ShellData} */
const shell = JSON.parse(document.getElementById("data")?.textContent ?? "{}");
export const { words } = shell;
export const firstIndex = shell.index;
const clock = formatter({ hour: "2-digit", minute: "2-digit" });
const plurals = new Intl.PluralRules(shell.locale);

/** @param {Intl.DateTimeFormatOptions} options */
export function formatter(options) {
  // Camera clocks are written as if they were UTC.
  return new Intl.DateTimeFormat(shell.locale, { ...options, timeZone: "UTC" });
}

/** @param {import("../src/gallery/format.ts").Plural} sentences @param {number} n */
export const sayCount = (sentences, n) =>
  sentences[plurals.select(n) === "one" ? "one" : "other"].replace("{n}", String(n));

/**
 * An element with a class and a text; texts are never parsed, whatever a file is called.
 * @param {string} tag @param {string} className @param {string} text
 */
export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}

/**
 * What a photo is called for those who do not see it.
 * @param {number} position @param {import("../src/gallery/format.ts").Entry} entry
 */
export function altOf(position, entry) {
  const photo = words.photo.replace("{n}", String(position + 1));
  return entry[4] === null ? photo : `${photo}, ${clock.format(entry[4] * 1000)}`;
}

/**
 * @param {number} position @param {number} aspect
 * @param {import("../src/gallery/format.ts").Entry} entry @param {import("./source.js").Source} source
 */
export function makeTile(position, aspect, entry, source) {
  const [hash, , , color, , width, height, name, , , , kind = "", note = ""] = entry;
  const tile = make(hash ? "a" : "div", hash ? "t" : "t plain", "");
  tile.dataset.i = String(position);
  // The policy forbids style attributes; setting properties is allowed, since only our script can.
  tile.style.setProperty("--a", String(aspect));
  if (color) tile.style.setProperty("--c", `#${color}`);
  if (!hash) {
    tile.append(make("b", "", kind), make("span", "", name), make("small", "", note || words.noPreview));
    return tile;
  }
  const image = document.createElement("img");
  image.loading = "lazy";
  image.decoding = "async";
  image.width = width;
  image.height = height;
  tile.append(image);
  if (kind) tile.append(make("i", "", kind));
  freshen(tile, position, entry, source);
  return tile;
}

/**
 * Gives a tile the links that work now. A picture that is there stays, so that nothing flickers or loads twice.
 * @param {Element} tile @param {number} position
 * @param {import("../src/gallery/format.ts").Entry} entry @param {import("./source.js").Source} source
 */
export function freshen(tile, position, entry, source) {
  const image = tile.querySelector("img");
  if (!(tile instanceof HTMLAnchorElement) || !image || !entry[0]) return;
  tile.href = source.picture(entry, "share");
  image.alt = altOf(position, entry);
  const link = source.picture(entry, /-share\.jpg(\?|$)/.test(image.src) ? "share" : "thumb");
  const isSame = image.src.split("?")[0] === link.split("?")[0];
  if (isSame && image.complete && image.naturalWidth) return;
  // The same address again is a second try for one that failed.
  if (image.src !== link || image.complete) image.src = link;
}

/** Puts the large picture into the place at the top once it is there: the small one is too soft for it. */
export async function sharpenHero() {
  const hero = document.querySelector(".hero");
  const image = hero?.querySelector("img");
  if (!(hero instanceof HTMLAnchorElement) || !image) return;
  const large = new Image();
  large.src = hero.href;
  await large.decode();
  image.src = large.src;
}
