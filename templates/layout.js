/**
 * What the style sheet makes of the page's width, in pixels.
 * @typedef {{ width: number, row: number, gap: number, heading: number }} Frame
 *
 * A heading (`group` is its place in the index), or some whole rows of photos (`group` is -1).
 * @typedef {{ group: number, items: number[], isEnd: boolean, top: number, height: number }} Block
 */

/** The shape of a tile without a picture, 3:2. */
const PLAIN_ASPECT = 96;

/** Rows are kept together until they are this high: few nodes for thousands of photos, little work for each. */
const BLOCK_PX = 1200;

/**
 * Width by height of a photo's tile.
 * @param {number} byte
 */
export const aspectOf = (byte) => (byte || PLAIN_ASPECT) / 64;

/**
 * Computes where everything stands before anything of it is loaded. Rows break as CSS breaks a wrapping flex line, so the
 * heights are those the tiles will have. A row starts at each position in `breaks`.
 * @param {Pick<import("../src/gallery/format.ts").Index, "count" | "hero" | "groups">} index
 * @param {ArrayLike<number>} aspects
 * @param {Frame} frame
 * @param {ReadonlySet<number>} breaks
 * @returns {Block[]}
 */
export function arrange({ count, hero, groups }, aspects, frame, breaks) {
  /** @type {Block[]} */
  const blocks = [];
  let top = 0;
  /** @param {Omit<Block, "top">} block @param {number} below */
  const add = (block, below) => {
    blocks.push({ ...block, top });
    top += block.height + below;
  };
  /** @param {number[]} items */
  const addRows = (items) => {
    const rows = breakRows(items, aspects, frame);
    /** @type {number[]} */
    let together = [];
    let height = 0;
    rows.forEach((row, at) => {
      const isLast = at === rows.length - 1;
      height += (together.length ? frame.gap : 0) + rowHeight(row, aspects, frame, isLast);
      together = together.concat(row);
      if (!isLast && height < BLOCK_PX) return;
      add({ group: -1, items: together, isEnd: isLast, height }, frame.gap);
      together = [];
      height = 0;
    });
  };
  groups.forEach(([from], group) => {
    const to = groups[group + 1]?.[0] ?? count;
    /** @type {number[]} */
    let items = [];
    let isHeaded = false;
    for (let at = from; at < to; at++) {
      if (at === hero) continue;
      if (!isHeaded) add({ group, items: [], isEnd: false, height: frame.heading }, 0);
      isHeaded = true;
      if (breaks.has(at) && items.length) {
        addRows(items);
        items = [];
      }
      items.push(at);
    }
    addRows(items);
  });
  return blocks;
}

/** @param {number[]} items @param {ArrayLike<number>} aspects @param {Frame} frame */
function breakRows(items, aspects, frame) {
  /** @type {number[][]} */
  const rows = [];
  let used = 0;
  for (const item of items) {
    const basis = Math.min(frame.width, aspectOf(aspects[item] ?? 0) * frame.row);
    const row = rows.at(-1);
    if (row && used + frame.gap + basis <= frame.width) {
      row.push(item);
      used += frame.gap + basis;
    } else {
      rows.push([item]);
      used = basis;
    }
  }
  return rows;
}

/** @param {number[]} row @param {ArrayLike<number>} aspects @param {Frame} frame @param {boolean} isLast */
function rowHeight(row, aspects, frame, isLast) {
  const sum = row.reduce((total, item) => total + aspectOf(aspects[item] ?? 0), 0);
  const gaps = frame.gap * (row.length - 1);
  // The filler that keeps a last row from growing needs a gap of its own; without room it wraps and the row grows.
  const isFilled = isLast && sum * frame.row + gaps + frame.gap <= frame.width;
  return isFilled ? frame.row : (frame.width - gaps) / sum;
}
