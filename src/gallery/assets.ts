import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { keys } from "../domain/layout.ts";
import type { NewObject } from "../domain/object.ts";
import { CACHE_FOREVER } from "../domain/object.ts";
import { pack } from "./packed.ts";

/** What every gallery shares: read once, the same for all. */
export interface Assets {
  /** The style sheet, which goes into the pages themselves: nothing has to be fetched before the first paint. */
  readonly style: string;
  /** The script of the shell. Not in the shell itself, which would weigh half as much again, every time it is opened. */
  readonly script: NewObject;
  /** The lightbox, loaded only when it is wanted: its library, our part of it, its style. */
  readonly library: NewObject;
  readonly lightbox: NewObject;
  readonly lightboxStyle: NewObject;
}

/** The modules of the page, each after those it imports. */
const SCRIPT_FILES = ["layout.js", "source.js", "tiles.js", "wall.js", "live.js", "gallery.js"];

/** Reads the style sheets and scripts of the templates folder, and PhotoSwipe from its package. */
export function readAssets(templates: string): Assets {
  const read = (name: string): string => readFileSync(join(templates, name), "utf8");
  const photoswipe = dirname(fileURLToPath(import.meta.resolve("photoswipe/dist/photoswipe.css")));
  const library = readFileSync(join(photoswipe, "photoswipe.esm.min.js"), "utf8");
  const style = readFileSync(join(photoswipe, "photoswipe.css"), "utf8");
  return {
    style: tightenStyle(read("gallery.css")),
    script: asset("gallery", SCRIPT_FILES.map((name) => tighten(withoutModules(read(name)))).join(""), "js"),
    library: asset("photoswipe", library, "js"),
    lightbox: asset("lightbox", tighten(read("lightbox.js")), "js"),
    lightboxStyle: asset("photoswipe", style + tightenStyle(read("lightbox.css")), "css"),
  };
}

function asset(name: string, text: string, extension: "js" | "css"): NewObject {
  const hash = createHash("sha256").update(text).digest("hex");
  const type = extension === "js" ? "text/javascript" : "text/css";
  return pack(keys.asset(name, hash, extension), text, `${type}; charset=utf-8`, CACHE_FOREVER);
}

/**
 * Makes one module of several. They are real modules for the type checker; in a store they cannot import each other, since
 * every link needs a signature of its own.
 */
function withoutModules(source: string): string {
  return source.replace(/^import [^;]*;\n/gm, "").replace(/^export /gm, "");
}

/** Comments of our own files: one for a whole line, or one between slash and asterisk, which no string of theirs holds. */
const COMMENTS = /^[ \t]*\/\/.*\n|\/\*(?:(?!\*\/)[\s\S])*\*\/ ?/gm;

/** Drops comments, indentation and blank lines, half of the bytes. A string over several lines would suffer; there is none. */
function tighten(source: string): string {
  return source
    .replace(COMMENTS, "")
    .replace(/^[ \t]+/gm, "")
    .replace(/\n+/g, "\n");
}

/** Drops what a style sheet does not need, too. */
function tightenStyle(source: string): string {
  return tighten(source)
    .replace(/\s*([{};,])\s*/g, "$1")
    .replaceAll(": ", ":")
    .replaceAll(";}", "}")
    .replace(/\b0\./g, ".");
}
