import { arrange, aspectOf } from "./layout.js";
import { freshen, make, makeTile } from "./tiles.js";

/** How far outside the screen photos are put in place, and how far until they are taken away again. */
const [NEAR_PX, FAR_PX] = [1600, 4000];

/**
 * All photos in justified rows, of which only those near the screen are in the document.
 * @param {HTMLElement} root @param {import("./source.js").Source} source
 */
export function openWall(root, source) {
  /** @typedef {import("./layout.js").Block & { element: HTMLElement, isFilled: boolean, isWanted: boolean }} Placed */
  /** @type {Placed[]} */
  let blocks = [];
  const hero = /** @type {HTMLElement | null} */ (document.querySelector(".hero"));
  let shown = 0;
  let width = 0;
  /** Where the page was scrolled to when it was last painted: after a resize the browser has moved on already. */
  let paintedPx = 0;
  /** Where a row must begin so that rows on the screen stay as they are. */
  const breaks = /** @type {Set<number>} */ (new Set());
  /** Tiles to use again while everything is laid out again, by the picture they lead to. @type {Map<string, HTMLElement>} */
  const given = new Map();
  /** How far the top of the wall is above the top of the screen. */
  const scrolledPx = () => -root.getBoundingClientRect().top;

  function frame() {
    const style = getComputedStyle(root);
    const heading = root.querySelector("h2") ?? root.appendChild(make("h2", "", ""));
    return {
      width: root.clientWidth,
      row: Number(style.getPropertyValue("--h")),
      gap: Number.parseFloat(style.getPropertyValue("--g")),
      heading: heading.getBoundingClientRect().height,
    };
  }

  /**
   * Lays out what the index lists. Blocks that stay the same keep their place and their photos; the anchor keeps its
   * place on the screen.
   * @param {ReturnType<typeof anchor>} [hold]
   */
  function arrangeAll(hold) {
    const index = source.index();
    if (!index) return;
    const scrolled = scrolledPx();
    const now = frame();
    const end = blocks.at(-1);
    // A last row that is on the screen stays as it is: what is new begins a row. Rows are at most twice as high as aimed.
    const isLastRowSeen = end && end.top + end.height - 2 * now.row < scrolled + innerHeight;
    if (width !== now.width || !isLastRowSeen) breaks.clear();
    else if (index.count > shown) breaks.add(shown);
    width = now.width;
    const before = blocks;
    let same = 0;
    // A page that was opened before there was any photo has none at the top; one with a photo there shows the first one now.
    if (hero && index.hero >= 0) hero.dataset.i = String(index.hero);
    const layout = { ...index, hero: hero ? index.hero : -1 };
    blocks = arrange(layout, source.aspects(), now, breaks).map((block, at) => {
      const old = before[at];
      if (same === at && old && isSameBlock(old, block)) {
        same++;
        if (block.group >= 0) label(old.element, index.groups[block.group]);
        return Object.assign(old, block);
      }
      return {
        ...block,
        element: makeBlock(block, index.groups[block.group]),
        isFilled: block.group >= 0,
        isWanted: false,
      };
    });
    const last = blocks[same - 1]?.element;
    const old = [...root.children];
    const rest = last ? old.slice(old.indexOf(last) + 1) : old;
    for (const tile of rest.flatMap((element) => [...element.querySelectorAll("a")]))
      given.set(pathOf(tile.href), tile);
    // Old tiles move into their new places before the old ones go, in one step: nothing is painted in between.
    paint(scrolled);
    for (const element of rest) element.remove();
    root.append(...blocks.slice(same).map(({ element }) => element));
    shown = index.count;
    if (hold) restore(hold);
    given.clear();
  }

  /** The first photo on the screen, to find it again after everything was laid out again; nothing at the very top. */
  function anchor() {
    const tiles = scrollY > 0 ? [...root.querySelectorAll("[data-i]")] : [];
    const tile = tiles.find((one) => one.getBoundingClientRect().bottom > 0);
    if (!tile) return null;
    const link = tile.getAttribute("href") ?? "";
    return { position: positionOf(tile), top: tile.getBoundingClientRect().top, link, shown };
  }

  /** The photo that was at the top of the screen before the width changed. */
  function anchorBefore() {
    const block = blocks.find(({ top, height }) => top + height > paintedPx);
    if (!block || paintedPx <= 0) return null;
    const part = Math.max(0, (paintedPx - block.top) / block.height);
    const position = block.items[Math.floor(part * block.items.length)];
    return position === undefined ? null : { position, top: 0, link: "", shown };
  }

  /**
   * Puts the anchor back where it was. Photos that came in before it have moved it by as many places at most.
   * @param {NonNullable<ReturnType<typeof anchor>>} hold
   */
  function restore({ position, top, link, shown: before }) {
    let at = position;
    for (let moved = 0; moved <= shown - before; moved++) {
      const hash = source.entry(position + moved)?.[0];
      if (!hash || !link.includes(hash)) continue;
      at = position + moved;
      break;
    }
    const block = blocks.find(({ items }) => items.includes(at));
    if (block) fill(block);
    const now = tileAt(at)?.getBoundingClientRect().top;
    if (now !== undefined && Math.abs(now - top) >= 1) scrollBy({ top: now - top, behavior: "instant" });
    paint();
  }

  /** Puts photos into the blocks near the screen, and takes them out of those far from it. */
  function paint(scrolled = scrolledPx()) {
    paintedPx = scrolled;
    for (const block of blocks) {
      const distance = Math.max(block.top - scrolled - innerHeight, scrolled - block.top - block.height);
      if (distance < NEAR_PX) fill(block);
      else if (distance > FAR_PX && !block.element.contains(document.activeElement)) empty(block);
    }
  }

  /** @param {Placed} block */
  function empty(block) {
    block.isWanted = false;
    if (!block.isFilled || block.group >= 0) return;
    block.element.replaceChildren();
    block.isFilled = false;
  }

  /** @param {Placed} block */
  function fill(block) {
    if (block.isFilled || block.isWanted) return;
    if (fillNow(block)) return;
    block.isWanted = true;
    const ends = [block.items[0] ?? 0, block.items.at(-1) ?? 0];
    Promise.all(ends.map(source.load)).then(
      () => {
        if (block.isWanted) fillNow(block);
        block.isWanted = false;
      },
      () => {
        // The network failed; the next scroll or refresh asks again.
        block.isWanted = false;
      },
    );
  }

  /** @param {Placed} block */
  function fillNow(block) {
    const aspects = source.aspects();
    const tiles = block.items.map((position) => {
      const entry = source.entry(position);
      if (!entry) return undefined;
      const aspect = aspectOf(aspects[position] ?? 0);
      const tile = given.get(pathOf(source.picture(entry, "share")));
      if (!tile) return makeTile(position, aspect, entry, source);
      tile.dataset.i = String(position);
      tile.style.setProperty("--a", String(aspect));
      freshen(tile, position, entry, source);
      return tile;
    });
    if (!tiles.every((tile) => tile !== undefined)) return false;
    block.element.replaceChildren(...tiles);
    block.isFilled = true;
    return true;
  }

  return {
    arrangeAll,
    anchor,
    paint: () => paint(),
    shown: () => shown,
    tile: tileAt,
    /** Lays everything out again when the width changed. */
    resize() {
      if (width !== root.clientWidth) arrangeAll(anchorBefore());
      paint();
    },
    /** Gives every tile in the document the links that work now. */
    async freshenAll() {
      for (const tile of document.querySelectorAll("[data-i]")) {
        const position = positionOf(tile);
        await source.load(position);
        const entry = source.entry(position);
        if (entry) freshen(tile, position, entry, source);
      }
    },
    /** Whether the first rows that hold a photo have come up from below the screen. @param {number} position */
    isReached(position) {
      const block = blocks.find(({ items }) => items.includes(position));
      return (
        !block || block.top + block.height < scrolledPx() + innerHeight || tileTop(position) < innerHeight
      );
    },
    /** Scrolls to a photo, gently where people like that. @param {number} position */
    goTo(position) {
      const block = blocks.find(({ items }) => items.includes(position));
      if (block) fill(block);
      const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
      if (block)
        scrollBy({
          top: Math.min(tileTop(position), block.top - scrolledPx() + block.height) - 64,
          behavior,
        });
    },
    /** Brings a photo to the middle of the screen, unless it can be seen. @param {number} position */
    reveal(position) {
      const block = blocks.find(({ items }) => items.includes(position));
      if (block) fill(block);
      const place = tileAt(position)?.getBoundingClientRect();
      if (!place || (place.top >= 0 && place.bottom <= innerHeight)) return;
      scrollBy({ top: (place.top + place.bottom - innerHeight) / 2, behavior: "instant" });
      paint();
    },
  };
}

/** @typedef {ReturnType<typeof openWall>} Wall */

/** @param {Element} tile */
const positionOf = (tile) => Number(tile.getAttribute("data-i"));

/** Where a photo begins, from the top of the screen; infinite while it is not in the document. @param {number} position */
const tileTop = (position) => tileAt(position)?.getBoundingClientRect().top ?? Number.POSITIVE_INFINITY;

/** The tile of a photo, if it is in the document. @param {number} position @returns {HTMLElement | null} */
const tileAt = (position) => document.querySelector(`[data-i="${position}"]`);

/** @param {import("./layout.js").Block} a @param {import("./layout.js").Block} b */
function isSameBlock(a, b) {
  return (
    a.group === b.group &&
    a.isEnd === b.isEnd &&
    a.height === b.height &&
    a.items.length === b.items.length &&
    a.items[0] === b.items[0]
  );
}

/** @param {import("./layout.js").Block} block @param {import("../src/gallery/format.ts").Group | undefined} group */
function makeBlock(block, group) {
  if (group) return label(make("h2", "", ""), group);
  const element = make("div", block.isEnd ? "b end" : "b", "");
  element.style.setProperty("--height", `${block.height}px`);
  return element;
}

/** @param {HTMLElement} heading @param {import("../src/gallery/format.ts").Group | undefined} group */
function label(heading, [, day, time] = [0, "", ""]) {
  heading.replaceChildren(`${day} `, make("small", "", time));
  return heading;
}

/** A link without its signature. @param {string} link */
const pathOf = (link) => link.split("?")[0] ?? "";
