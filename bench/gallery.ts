import { join } from "node:path";
import type { GalleryItem } from "../src/domain/gallery.ts";
import { openGalleries } from "../src/gallery/galleries.ts";
import { openDirectoryStore } from "../src/remote/directory-store.ts";
import { galleryOf, photo } from "../test/support/gallery-items.ts";
import type { Setting } from "./measure.ts";
import { interleave, median } from "./measure.ts";
import type { Row } from "./table.ts";
import { atMost } from "./table.ts";

const WEEK_SECONDS = 604_800;
/** The chunk it is in, the index, and the shell with the count. */
const APPENDED_OBJECTS = 3;

/** What does it cost to make the gallery of a large wedding, and how much of it changes with one more photo? */
export async function gallery({ folder, isShort }: Setting): Promise<readonly Row[]> {
  const count = isShort ? 1000 : 5000;
  const store = await openDirectoryStore({
    root: join(folder, "store"),
    secretFile: join(folder, "secret"),
    baseUrl: "http://127.0.0.1:8081/o/",
    linkSeconds: WEEK_SECONDS,
  });
  const galleries = openGalleries({ templates: join(import.meta.dirname, "../templates") });
  const items = Array.from({ length: count + 1 }, (_, number) => photo(number));
  const objectsOf = async (shown: readonly GalleryItem[]) =>
    (await galleries.objects(galleryOf(0, { items: shown, state: "uploading" }), store.sign)).flatMap(
      (wave) => [...wave],
    );
  const seconds = await interleave(isShort ? 3 : 5, { build: () => objectsOf(items) });

  const before = new Map((await objectsOf(items.slice(0, -1))).map(({ key, sha256 }) => [key, sha256]));
  const after = await objectsOf(items);
  const changed = after.filter(({ key, sha256 }) => before.get(key) !== sha256);
  const changedBytes = changed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

  await store.close();
  return [
    { question: `gallery of ${count} photos, all objects`, figure: median(seconds.build) * 1000, unit: "ms" },
    {
      question: `gallery of ${count} photos, one more`,
      figure: changed.length,
      unit: `of ${after.length} objects`,
      goal: atMost(APPENDED_OBJECTS, changed.length, "objects"),
    },
    { question: `gallery of ${count} photos, one more`, figure: changedBytes / 1000, unit: "kB put" },
  ];
}
