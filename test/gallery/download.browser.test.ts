import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { planZips } from "../../src/gallery/zip-parts.ts";
import { PHONE } from "../support/browser.ts";
import { browserAndStore } from "../support/browser-and-store.ts";
import { galleryOf, photo, SLUG } from "../support/gallery-items.ts";
import { openGallery } from "../support/gallery-page.ts";
import { lacks } from "../support/needs.ts";

const SESSION = { slug: SLUG, label: "EOS_DIGITAL", day: "2026-11-14" };

describe("the download of all photos in a real browser", { skip: lacks("chromium") }, () => {
  const at = browserAndStore();

  const items = Array.from({ length: 214 }, (_, n) => {
    const { renditions, ...rest } = photo(n);
    return { ...rest, renditions: renditions.map((one) => ({ ...one, sizeBytes: 5_600_000 })) };
  });

  for (const [colorScheme, limitBytes, words] of [
    ["light", 2_000_000_000, ["Download all (214 photos, 1.2 GB)"]],
    ["dark", 500_000_000, ["Part 1", "Part 2", "Part 3"]],
  ] as const)
    it(`is on the first screen, can be tapped and breaks no rule of accessibility, as ${words.length} in ${colorScheme} colors`, async () => {
      const zips = planZips(SESSION, items, limitBytes);
      const { link } = await at.store.publish(galleryOf(0, { items, expected: items.length, zips }));
      const context = await at.browser.open({ ...PHONE, colorScheme });
      const { page, problems, probe, settled, accessibility } = await openGallery(context, link);
      await settled();
      const anchors = page.locator("a[download]");
      assert.deepEqual(await anchors.allTextContents(), words);
      for (const [n, anchor] of (await anchors.all()).entries()) {
        // Fails where something lies over it, as the words over the cover picture do.
        await anchor.click({ trial: true, timeout: 2000 });
        assert.ok((await anchor.getAttribute("href"))?.includes(zips[n]?.key ?? "never"));
      }
      const header = await page.locator("header").textContent();
      assert.equal(header?.includes("Download all (214 photos, 3 parts, 1.2 GB)"), zips.length === 3);
      assert.equal(await probe("shifts()"), 0);
      assert.deepEqual(await accessibility(), []);
      assert.deepEqual(problems, []);
      await context.close();
    });
});
