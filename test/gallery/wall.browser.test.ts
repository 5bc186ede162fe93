import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { keys } from "../../src/domain/layout.ts";
import { DESKTOP, PHONE } from "../support/browser.ts";
import { browserAndStore } from "../support/browser-and-store.ts";
import { galleryOf, SLUG } from "../support/gallery-items.ts";
import { openGallery } from "../support/gallery-page.ts";
import { lacks } from "../support/needs.ts";

interface Seen {
  readonly nodes: number;
  readonly heightErrorPx: number;
  readonly photos: number;
  readonly blankScreens: number;
}

interface Box {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
}

const PAGE_HEIGHT = "document.documentElement.scrollHeight";

describe("the wall of photos in a real browser", { skip: lacks("chromium") }, () => {
  const at = browserAndStore();

  for (const [device, options, count] of [
    // Painting nine times the pixels would only make the test slow.
    ["phone", { ...PHONE, deviceScaleFactor: 1 }, 5000],
    ["desktop", DESKTOP, 1000],
  ] as const)
    it(`scrolls through ${count} photos on a ${device} without a shift, an error, or more than 1,000 nodes`, async () => {
      const { link } = await at.store.publish(galleryOf(count));
      const context = await at.browser.open(options);
      const { page, problems, probe, settled } = await openGallery(context, link);
      await settled();
      assert.equal(await page.textContent("#count"), `${count.toLocaleString("en-US")} photos`);
      const computed = await page.evaluate(PAGE_HEIGHT);
      const seen = await probe<Seen>("scrollThrough()");
      assert.deepEqual(problems, []);
      assert.equal(await probe("shifts()"), 0);
      assert.ok(seen.nodes <= 1000, `${seen.nodes} nodes`);
      assert.equal(await page.evaluate(PAGE_HEIGHT), computed);
      assert.ok(seen.heightErrorPx <= 0.5, `a block is ${seen.heightErrorPx} px off`);
      assert.equal(seen.photos, count);
      assert.equal(seen.blankScreens, 0);
      await context.close();
    });

  it("shows the first photo large: its thumbnail at once, and sharp as soon as it is there", async () => {
    const { link } = await at.store.publish(galleryOf(30));
    const context = await at.browser.open(PHONE);
    await context.route(/-share\.jpg/, async (route) => {
      await setTimeout(500);
      await route.continue();
    });
    const { page, problems, probe, settled, until } = await openGallery(context, link);
    await settled();
    assert.match((await page.locator(".hero img").getAttribute("src")) ?? "", /-thumb\.jpg\?/);
    await until("countOf('.hero img[src*=\"-share.jpg?\"]') === 1");
    assert.equal(await probe("shifts()"), 0);
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("keeps the photo at the top of the screen when the phone is turned", async () => {
    const { link } = await at.store.publish(galleryOf(500));
    const context = await at.browser.open({ ...PHONE, deviceScaleFactor: 1 });
    const { page, problems, probe, settled, until } = await openGallery(context, link);
    await settled();
    await page.evaluate("scrollTo(0, 9000)");
    await until("topPhoto() > 50");
    const first = await probe<number>("topPhoto()");
    await page.setViewportSize({ width: 844, height: 390 });
    await until(`isOnScreen(${first})`);
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("loads one chunk before anyone scrolls, however many photos there are", async () => {
    const chunks: number[] = [];
    for (const count of [200, 5000]) {
      const { link } = await at.store.publish(galleryOf(count));
      const context = await at.browser.open(DESKTOP);
      at.store.asked.length = 0;
      const { settled } = await openGallery(context, link);
      await settled();
      chunks.push(at.store.asked.filter(({ path }) => path.includes("/m/")).length);
      await context.close();
    }
    assert.deepEqual(chunks, [1, 1]);
  });

  for (const [width, height] of [
    [320, 568],
    [390, 844],
    [844, 390],
    [1280, 800],
  ] as const)
    it(`shows the whole of every title, and what is below it, at ${width} × ${height}`, async () => {
      for (const title of ["Ö", "Anna & Ben's wedding, 26 September 2026", "W".repeat(300)]) {
        const zip = { key: keys.zip(SLUG, "0".repeat(16), "all.zip"), sizeBytes: 9e8, entries: [] };
        const { link } = await at.store.publish(galleryOf(40, { title, zips: [zip, zip, zip] }));
        const context = await at.browser.open({ viewport: { width, height } });
        const { page, settled, problems, probe } = await openGallery(context, link);
        await settled();
        assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
        assert.ok(
          (await page.evaluate<number>("document.querySelector('h1').getBoundingClientRect().top")) >= 0,
        );
        // Each is in the page, inside the header, none over another, and the buttons begin where the words do.
        const [hero, ...stack] = await probe<Box[]>("boxes('.hero, h1, #count, #until, .get p, .get a')");
        const links = stack.slice(-3);
        assert.deepEqual([stack.length, hero?.top, links[0]?.left], [7, 0, stack[0]?.left]);
        const lines = [...stack.slice(0, 4), links[0]];
        for (const [at, line] of lines.entries())
          assert.ok((line?.top ?? 0) >= (lines[at - 1]?.bottom ?? 0) - 0.5, `${title.slice(0, 9)}: ${at}`);
        assert.ok((lines[2]?.bottom ?? 0) <= (hero?.bottom ?? 0), "the words are on the photo");
        await page.locator(".get a").last().click({ trial: true });
        assert.equal(await probe("shifts()"), 0);
        assert.deepEqual(problems, []);
        await context.close();
      }
    });

  it("fits the narrowest phone with the longest title, and prints dark on white", async () => {
    const { link } = await at.store.publish(galleryOf(40, { title: "W".repeat(300) }));
    const context = await at.browser.open({ viewport: { width: 320, height: 568 }, colorScheme: "dark" });
    const { page, settled, problems } = await openGallery(context, link);
    await settled();
    assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.evaluate("getComputedStyle(document.querySelector('h1')).color"), "rgb(0, 0, 0)");
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("shows photos that have no picture as calm tiles that lead nowhere, and says what is wrong", async () => {
    const { items } = galleryOf(30);
    const raw = { kind: "raw", name: "DSC_9.NEF", renditions: [], color: null } as const;
    const clip = { kind: "video", name: "C.MP4", renditions: [], note: "Its end is missing." } as const;
    const mixed = items.map((item, n) => ({ ...item, ...(n === 0 ? raw : n === 28 ? clip : {}) }));
    const { link } = await at.store.publish(galleryOf(30, { items: mixed }));
    const context = await at.browser.open(PHONE);
    const { page, settled, problems, probe } = await openGallery(context, link);
    await settled();
    assert.deepEqual(await page.locator("[data-i='0'] > *").allTextContents(), [
      "RAW photo",
      "DSC_9.NEF",
      "Kept; no preview yet",
    ]);
    assert.equal(await page.locator(".hero").getAttribute("data-i"), "1");
    assert.equal(await page.textContent("#count"), "28 photos, 1 video, 1 file without a preview");
    assert.equal(
      await page.getAttribute("meta[name=description]", "content"),
      "28 photos, 1 video, 1 file without a preview · Available until Sat 26 Sep",
    );
    await page.evaluate("scrollTo(0, 1e6)");
    await page.locator("[data-i='28']").waitFor();
    assert.deepEqual(await page.locator("[data-i='28'] > *").allTextContents(), [
      "Video",
      "C.MP4",
      "Its end is missing.",
    ]);
    assert.equal(await page.locator("div.plain a, a.plain").count(), 0);
    assert.equal(await probe("shifts()"), 0);
    assert.deepEqual(problems, []);
    await context.close();
  });
});
