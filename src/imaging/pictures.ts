import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Capture, captureFromFile } from "../domain/capture.ts";
import { Failure } from "../domain/failure.ts";
import { renditionPath } from "../domain/layout.ts";
import type { Media } from "../domain/media.ts";
import type { Derived, Preset, PresetName, Rendition } from "../domain/rendition.ts";
import type { PreviewRequest } from "./preview-task.ts";
import type { RenderReply, RenderRequest } from "./task.ts";

/** What is known of a kept original. */
interface Original {
  readonly hash: string;
  readonly media: Media;
  readonly modifiedMs: number;
  /** Path below the library's root. */
  readonly originalPath: string;
}

interface Options {
  /** The library's root. */
  readonly root: string;
  /** Runs `task.ts` in a child that may be killed; throws `worker-late` or `worker-died` when it was. */
  readonly render: {
    run(request: RenderRequest, signal: AbortSignal): Promise<RenderReply>;
    prepare(): void;
  };
  readonly presets: readonly Preset[];
  /** A picture with more is refused. */
  readonly maxPixels: number;
  /** Runs `preview-task.ts`; `null` when no messenger is to see a picture. */
  readonly preview: { run(request: PreviewRequest, signal: AbortSignal): Promise<Uint8Array | null> } | null;
}

const GIVEN_UP: Derived = {
  renditions: [],
  color: null,
  note: "No picture could be made of it: decoding it took too long or crashed. The file itself is kept.",
};

const GIVE_UP_AFTER: ReadonlySet<string> = new Set(["worker-late", "worker-died"]);

/** Renditions of originals, made in a worker and kept below the library's root under names from the content hash. */
export function openPictures({ root, render, presets, maxPixels, preview: previews }: Options) {
  const renditionFile = (hash: string, preset: PresetName) => join(root, renditionPath(hash, preset));

  /** Makes every rendition of an original; one that cannot be read gets a note. Throws the worker's other failures. */
  async function derive<F extends Original>(
    file: F,
    signal: AbortSignal,
  ): Promise<{ file: F; derived: Derived; capture: Capture }> {
    const request: RenderRequest = {
      file: join(root, file.originalPath),
      kind: file.media.kind,
      modifiedMs: file.modifiedMs,
      outputs: presets.map(({ name, maxLongEdge, quality }) => ({
        preset: name,
        maxLongEdge,
        quality,
        file: renditionFile(file.hash, name),
      })),
      maxPixels,
    };
    try {
      return { file, ...(await render.run(request, signal)) };
    } catch (error) {
      if (!(error instanceof Failure && GIVE_UP_AFTER.has(error.code))) throw error;
      return { file, derived: GIVEN_UP, capture: captureFromFile(file.modifiedMs) };
    }
  }

  /** Whether all of them are on disk in their full size; a power cut can leave an unsynced one short. Throws `disk-unwritable`. */
  async function hasRenditions(hash: string, renditions: readonly Rendition[]): Promise<boolean> {
    for (const { preset, sizeBytes } of renditions)
      if ((await sizeOf(renditionFile(hash, preset))) !== sizeBytes) return false;
    return true;
  }

  /** The bytes of a rendition as it was made; `null` when it is gone or no longer the same. Throws `disk-unwritable`. */
  async function readRendition(hash: string, { preset, sha256 }: Rendition): Promise<Uint8Array | null> {
    const file = renditionFile(hash, preset);
    const bytes = await orNull(readFile(file), file);
    return bytes !== null && createHash("sha256").update(bytes).digest("hex") === sha256 ? bytes : null;
  }

  /** What a messenger shows beside a link, from the share picture of an original; `null` when there is to be none or it fails. */
  async function preview(
    hash: string,
    signal: AbortSignal,
  ): Promise<{ bytes: Uint8Array; sha256: string } | null> {
    try {
      const bytes = (await previews?.run({ file: renditionFile(hash, "share") }, signal)) ?? null;
      return bytes && { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
    } catch (error) {
      if (error instanceof Failure && error.code === "worker-died") return null;
      throw error;
    }
  }

  return { prepare: render.prepare, derive, preview, renditionFile, hasRenditions, readRendition };
}

async function sizeOf(file: string): Promise<number | null> {
  return (await orNull(stat(file), file))?.size ?? null;
}

async function orNull<Result>(looking: Promise<Result>, file: string): Promise<Result | null> {
  try {
    return await looking;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    throw new Failure("disk-unwritable", `The disk failed at ${file} (${code}).`, { cause });
  }
}
