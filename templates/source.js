/**
 * @typedef {import("../src/gallery/format.ts").Index} Index
 * @typedef {import("../src/gallery/format.ts").Chunk} Chunk
 * @typedef {import("../src/gallery/format.ts").Entry} Entry
 * @typedef {"same" | "changed" | "offline" | "gone"} News
 */

/** Pauses before the index is asked for again when a chunk is newer than it: chunks are written a moment before. */
const CATCH_UP_MS = [0, 2000, 5000];

/**
 * The photos of a gallery as far as they are loaded.
 * @param {string} firstLink
 */
export function openSource(firstLink) {
  /** @type {Index | null} */
  let index = null;
  let text = "";
  let aspects = new Uint8Array();
  /** @type {Map<number, { version: string, loaded: Promise<Chunk>, chunk?: Chunk }>} */
  const chunks = new Map();

  /** @param {string} name @param {string | undefined} signature */
  const linkTo = (name, signature) =>
    index ? index.pages.folder + name + index.pages.tail + signature : firstLink;

  /**
   * Asks for the index; the browser sends `If-None-Match` itself. Never throws.
   * @returns {Promise<News>}
   */
  async function refresh() {
    try {
      const response = await fetch(linkTo("i.json", index?.signature), { cache: "no-cache" });
      if ([403, 404, 410].includes(response.status)) {
        dispatchEvent(new Event("indexgone"));
        return "gone";
      }
      if (!response.ok) return "offline";
      const now = await response.text();
      if (now === text) return "same";
      index = /** @type {Index} */ (JSON.parse(now));
      text = now;
      aspects = Uint8Array.from(atob(index.aspects), (letter) => letter.charCodeAt(0));
      for (const [number, { version, chunk }] of chunks)
        if (chunk && version !== index.chunks[number]?.[0]) chunks.delete(number);
      return "changed";
    } catch {
      return "offline";
    }
  }

  /** @param {number} number @returns {Promise<Chunk>} */
  async function fetchChunk(number) {
    for (let attempt = 0; ; attempt++) {
      const [version, signature] = index?.chunks[number] ?? [];
      const response = await fetch(linkTo(`${index?.folder}${number}.json`, signature), {
        cache: "no-cache",
      });
      const pause = CATCH_UP_MS[attempt];
      if (response.ok) {
        const chunk = /** @type {Chunk} */ (await response.json());
        if (chunk.version === version || pause === undefined) return chunk;
      } else if (pause === undefined) throw new Error(`chunk ${number}`);
      if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
      if ((await refresh()) === "changed") dispatchEvent(new Event("indexchange"));
    }
  }

  /**
   * Loads the chunk a photo is in, once.
   * @param {number} position
   */
  async function load(position) {
    if (!index) return;
    const number = Math.floor(position / index.chunkEntries);
    const known = chunks.get(number);
    if (known) {
      await known.loaded;
      return;
    }
    const version = index.chunks[number]?.[0] ?? "";
    const slot = { version, loaded: fetchChunk(number) };
    chunks.set(number, slot);
    try {
      const chunk = await slot.loaded;
      Object.assign(slot, { chunk, version: chunk.version });
    } catch (error) {
      if (chunks.get(number) === slot) chunks.delete(number);
      throw error;
    }
  }

  return {
    refresh,
    load,
    /** The index, or `null` before the first `refresh`. */
    index: () => index,
    aspects: () => aspects,
    /** @param {number} position @returns {Entry | undefined} */
    entry(position) {
      const size = index?.chunkEntries ?? 1;
      return chunks.get(Math.floor(position / size))?.chunk?.entries[position % size];
    },
    /** @param {Entry} entry @param {"thumb" | "share"} preset */
    picture(entry, preset) {
      const { folder, tail } = /** @type {Index} */ (index).links;
      return `${folder}p/${entry[0]}-${preset}.jpg${tail}${entry[preset === "thumb" ? 1 : 2]}`;
    },
  };
}

/** @typedef {ReturnType<typeof openSource>} Source */
