import { createHash } from "node:crypto";
import { Eta } from "eta";
import { bytesInWords } from "../domain/amounts.ts";
import type { Gallery, GalleryItem, ZipPart } from "../domain/gallery.ts";
import { countShown } from "../domain/gallery.ts";
import { keys } from "../domain/layout.ts";
import type { NewObject } from "../domain/object.ts";
import { CACHE_NEVER } from "../domain/object.ts";
import type { Assets } from "./assets.ts";
import { heroOf, SHELL_TILES, sayUntil } from "./contents.ts";
import type { ShellData } from "./format.ts";
import { groupByTime } from "./groups.ts";
import type { Links } from "./links.ts";
import { pack } from "./packed.ts";
import { altOf, aspectOf, colorOf, picturesOf } from "./photo.ts";
import { say, sayCount, sayShown, WORDS } from "./words.ts";

/** Photos on a static page: what a phone loads at once without JavaScript, where `loading=lazy` has no effect. */
const PAGE_TILES = 60;
/** The shell links every tenth page, so that it stays small at any size and changes once in 600 photos; pages link on. */
const PAGES_A_LINK = 10;

export type Render = (template: string, values: object) => string;

/** Renders the templates of a folder; every value is escaped unless the template says why not. */
export function openTemplates(folder: string): Render {
  const eta = new Eta({ views: folder, autoEscape: true, cache: true });
  return (template, values) => eta.render(template, values);
}

/** The page a link opens: the first photos, and the script that brings the others. */
export function packShell(gallery: Gallery, assets: Assets, links: Links, render: Render): NewObject {
  const { slug, items } = gallery;
  const heroAt = heroOf(gallery);
  const first = items.slice(0, SHELL_TILES);
  const tiles = tilesOf(first, 0, slug, links);
  const hero = tiles[heroAt] ?? null;
  const style = assets.style + tileStyle(first, 0);
  const data: ShellData = {
    index: links.to(keys.index(slug)),
    locale: WORDS.locale,
    words: WORDS.script,
    ...(gallery.shared && { version: gallery.shared.version }),
  };
  const isComplete = gallery.state === "complete";
  const count = isComplete ? sayShown(countShown(items)) : WORDS.arriving;
  const scripts = [assets.script, assets.library, assets.lightbox];
  const policy = [
    ...policyOf(style, [links.address(assets.lightboxStyle.key)], links),
    ["script-src", ...scripts.map(({ key }) => source(links.address(key)))].join(" "),
    `connect-src ${source(links.pages.folder)}`,
  ];
  const html = render("./shell", {
    ...common(gallery),
    style,
    policy: policy.join("; "),
    script: links.to(assets.script.key),
    preview: gallery.preview === null ? null : links.to(gallery.preview),
    data: scriptJson(data),
    description: [count, sayUntil(gallery)].filter((part) => part !== "").join(" · "),
    count,
    download: downloadOf(gallery, links),
    // Its thumbnail, which is there at once; the script puts the large picture in its place when the first screen is done.
    hero,
    sections: sectionsOf(first, tiles, 0, heroAt),
    pages: pageNumbers(gallery).filter((number) => (number - 1) % PAGES_A_LINK === 0),
    linkToPage: (number: number) => links.to(keys.page(slug, number, gallery.shared?.author)),
  });
  return pack(keys.shell(slug), html, "text/html; charset=utf-8", CACHE_NEVER);
}

/** The links to all pictures as one file or several; `null` while there are none. */
function downloadOf({ zips }: Gallery, links: Links) {
  if (zips.length === 0) return null;
  const sum = (of: (part: ZipPart) => number) => zips.reduce((total, part) => total + of(part), 0);
  const words = say(zips.length === 1 ? WORDS.download : WORDS.downloadParts, {
    photos: sayCount(
      WORDS.photos,
      sum(({ entries }) => entries.length),
    ),
    n: zips.length,
    size: bytesInWords(sum(({ sizeBytes }) => sizeBytes)),
  });
  if (zips.length === 1) return { words: "", links: zips.map(({ key }) => ({ link: links.to(key), words })) };
  return {
    words,
    links: zips.map(({ key }, index) => ({
      link: links.to(key),
      words: say(WORDS.part, { n: index + 1 }),
    })),
  };
}

/**
 * Numbered pages that reach every photo without JavaScript, each made when it is asked for. Appending photos changes the last
 * one, or adds to it.
 */
export function* packPages(
  gallery: Gallery,
  assets: Assets,
  links: Links,
  render: Render,
): Generator<NewObject> {
  const { slug, items } = gallery;
  const numbers = pageNumbers(gallery);
  for (const number of numbers) {
    const start = (number - 1) * PAGE_TILES;
    const some = items.slice(start, start + PAGE_TILES);
    const style = assets.style + tileStyle(some, start);
    const linkToPage = (other: number): string | null =>
      numbers.includes(other) ? links.to(keys.page(slug, other, gallery.shared?.author)) : null;
    const html = render("./page", {
      ...common(gallery),
      style,
      policy: policyOf(style, [], links).join("; "),
      heading: say(WORDS.page, { n: number }),
      sections: sectionsOf(some, tilesOf(some, start, slug, links), start, -1),
      first: number === 1 ? null : linkToPage(1),
      previous: linkToPage(number - 1),
      next: linkToPage(number + 1),
      shell: links.to(keys.shell(slug)),
    });
    const key = keys.page(slug, number, gallery.shared?.author);
    yield pack(key, html, "text/html; charset=utf-8", CACHE_NEVER);
  }
}

/** Numbers of the static pages, from 1. */
export function pageNumbers(gallery: Gallery): number[] {
  return Array.from({ length: Math.ceil(gallery.items.length / PAGE_TILES) }, (_, index) => index + 1);
}

function common(gallery: Gallery): object {
  return { title: gallery.title, until: sayUntil(gallery), words: WORDS, say };
}

/** What `tile.eta` shows: with a link and a picture, or neither. */
interface Tile {
  readonly position: number;
  readonly link: string | null;
  readonly thumb: string | null;
  readonly width: number;
  readonly height: number;
  readonly alt: string;
  readonly kind: string;
  readonly name: string;
  readonly note: string;
}

function tilesOf(items: readonly GalleryItem[], start: number, slug: string, links: Links): Tile[] {
  return items.map((item, index) => {
    const pictures = picturesOf(item);
    const isNamed = pictures === null || item.kind === "video";
    return {
      position: start + index,
      link: pictures && links.to(keys.rendition(slug, item.hash, "share")),
      thumb: pictures && links.to(keys.rendition(slug, item.hash, "thumb")),
      width: pictures?.thumb.width ?? 0,
      height: pictures?.thumb.height ?? 0,
      alt: altOf(item, start + index),
      kind: isNamed ? WORDS.kinds[item.kind] : "",
      name: item.name,
      note: item.note ?? "",
    };
  });
}

interface Section {
  readonly day: string;
  readonly time: string;
  readonly tiles: readonly Tile[];
}

/** Tiles under their headings; a static page begins with one, so that it says where it is. */
function sectionsOf(
  items: readonly GalleryItem[],
  tiles: readonly Tile[],
  start: number,
  heroAt: number,
): Section[] {
  const groups = groupByTime(items);
  return groups
    .map(([from, day, time], index) => {
      const to = groups[index + 1]?.[0] ?? items.length;
      const inGroup = tiles.slice(from, to).filter(({ position }) => position !== start + heroAt);
      return { day, time, tiles: inGroup };
    })
    .filter((section) => section.tiles.length > 0);
}

/** Shape and color of each tile as rules of the style sheet: a `style` attribute would need `unsafe-inline`. */
function tileStyle(items: readonly GalleryItem[], start: number): string {
  return items
    .map((item, index) => {
      const color = colorOf(item);
      const background = color === "" ? "" : `;--c:#${color}`;
      return `.i${start + index}{--a:${aspectOf(item)}${background}}\n`;
    })
    .join("");
}

/** Nothing but what the page needs, from where it is: no origin as a whole, no inline code but by its hash. */
function policyOf(style: string, styleAddresses: readonly string[], links: Links): string[] {
  return [
    "default-src 'none'",
    `img-src data: ${source(`${links.parts.folder}p/`)}`,
    ["style-src", hashSource(style), ...styleAddresses.map(source)].join(" "),
    "base-uri 'none'",
    "form-action 'none'",
  ];
}

function hashSource(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/** An address as a source of a policy, where semicolons and commas would end it (CSP 3, 2.3.1). */
function source(address: string): string {
  return address.replaceAll(";", "%3B").replaceAll(",", "%2C");
}

/** JSON that cannot end its script element. */
function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
