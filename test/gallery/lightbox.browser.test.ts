import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { GalleryItem } from "../../src/domain/gallery.ts";
import { DESKTOP, PHONE } from "../support/browser.ts";
import { browserAndStore } from "../support/browser-and-store.ts";
import { galleryOf, photo } from "../support/gallery-items.ts";
import { openGallery } from "../support/gallery-page.ts";
import { lacks } from "../support/needs.ts";

const FOCUSED = "document.activeElement?.getAttribute('data-i') ?? document.activeElement?.className";
const SHOWN = "document.querySelector('.pswp__counter')?.textContent";

describe("the lightbox in a real browser", { skip: lacks("chromium") }, () => {
  const at = browserAndStore();

  it("opens by Enter, turns by arrow keys, closes by Escape, and the focus is on the photo seen last", async () => {
    const { link } = await at.store.publish(galleryOf(300));
    const context = await at.browser.open(DESKTOP);
    const { page, problems, settled, until } = await openGallery(context, link);
    await settled();
    await page.locator("[data-i='3']").focus();
    await page.keyboard.press("Enter");
    await until("isViewing('4 / 300')");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowLeft");
    assert.equal(await page.evaluate(SHOWN), "5 / 300");
    assert.deepEqual(await page.locator(".pswp__caption p").allTextContents(), [
      "Sat 14 Nov 2026, 10:00 · DSC_0005.JPG",
      "NIKON Z 6_2 · NIKKOR Z 24-70mm f/2.8 S · 1/320 s · f/2.8 · 52 mm · ISO 100",
    ]);
    await page.keyboard.press("Escape");
    await until("isClosed()");
    assert.equal(await page.evaluate(FOCUSED), "4");
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("never lets Tab out, preloads only the neighbors, and Back closes it without leaving the gallery", async () => {
    const { link } = await at.store.publish(galleryOf(100, { slug: "neighborsNeighborsNeigh" }));
    const context = await at.browser.open(PHONE);
    const { page, problems, settled, until } = await openGallery(context, link);
    await settled();
    // That picture is fetched for the top of the page.
    await until("countOf('.hero img[src*=\"-share.jpg?\"]') === 1", 10_000);
    at.store.asked.length = 0;
    await page.locator("[data-i='5']").tap();
    await until("isViewing('6 / 100')");
    for (const key of ["Tab", "Shift+Tab"])
      for (let press = 0; press < 12; press++) {
        await page.keyboard.press(key);
        assert.equal(
          await page.evaluate("document.activeElement.matches('.pswp, .pswp *, body')"),
          true,
          `${key} ${press}`,
        );
      }
    await page.waitForLoadState("networkidle");
    assert.deepEqual(
      at.store.asked.filter(({ path }) => path.includes("-share.jpg")).map(({ status }) => status),
      // The photo, one before, two after.
      [200, 200, 200, 200],
    );
    await page.goBack();
    await until("isClosed()");
    assert.equal(page.url(), link);
    assert.equal(await page.evaluate(FOCUSED), "5");
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("goes on beyond the photos that are on the page, which follows", async () => {
    const { link } = await at.store.publish(galleryOf(300));
    const context = await at.browser.open({ ...DESKTOP, reducedMotion: "reduce" });
    const { page, problems, settled, until, probe } = await openGallery(context, link);
    await settled();
    await page.locator("[data-i='2']").click();
    await until("isViewing('3 / 300')");
    for (let press = 0; press < 87; press++) await page.keyboard.press("ArrowRight");
    await until("isViewing('90 / 300')");
    await until("isPictureShown()");
    await page.keyboard.press("Escape");
    await until("isClosed()");
    assert.equal(await page.evaluate(FOCUSED), "89");
    assert.equal(await probe("isOnScreen(89)"), true);
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("keeps to its photo while earlier ones come in from a second camera, with the right words and neighbors", async () => {
    const slug = "earlierEarlierEarlierE";
    const uploading = (items: readonly GalleryItem[]) =>
      galleryOf(0, { slug, state: "uploading", expected: 90, items });
    const canons = Array.from({ length: 60 }, (_, n) => photo(2 * n + 40));
    const { link } = await at.store.publish(uploading(canons));
    const context = await at.browser.open({ ...DESKTOP, reducedMotion: "reduce" });
    const { page, problems, settled, until } = await openGallery(context, link);
    await settled();
    await page.locator("[data-i='3']").click();
    await until("isViewing('4 / 60')");
    const caption = await page.locator(".pswp__caption p").first().textContent();
    assert.match(caption ?? "", /DSC_0047\.JPG/);
    const large = "document.querySelector(\".pswp__item[aria-hidden='false'] img\")?.src";
    const picture = await page.evaluate(large);

    // Ten that are earlier, and one between each two.
    const nikons = Array.from({ length: 10 }, (_, n) => photo(n)).concat(
      Array.from({ length: 20 }, (_, n) => photo(2 * n + 41)),
    );
    const all = [...canons, ...nikons].toSorted(
      (a, b) => (a.capture.takenMs ?? 0) - (b.capture.takenMs ?? 0),
    );
    await at.store.publish(uploading(all));
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await until("isViewing('17 / 90')");
    assert.equal(await page.locator(".pswp__caption p").first().textContent(), caption);
    assert.equal(await page.evaluate(large), picture);
    const turned = [];
    for (const key of ["ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowRight"]) {
      await page.keyboard.press(key);
      const words = (await page.locator(".pswp__caption p").first().textContent()) ?? "";
      turned.push(/DSC_\d+/.exec(words)?.[0]);
    }
    assert.deepEqual(turned, ["DSC_0048", "DSC_0047", "DSC_0046", "DSC_0047"]);
    await until("isPictureShown()");
    assert.equal(await page.evaluate(large), picture);
    await page.keyboard.press("Escape");
    await until("isClosed()");
    assert.equal(await page.evaluate(FOCUSED), "16");
    assert.deepEqual(problems, []);
    await context.close();
  });

  for (const colorScheme of ["light", "dark"] as const)
    it(`breaks no rule of accessibility in ${colorScheme} colors, at rest and open`, async () => {
      const items = Array.from({ length: 30 }, (_, n) => photo(n));
      items[3] = photo(3, { kind: "raw", renditions: [], color: null });
      items[4] = photo(4, { kind: "video", note: "Its sound is missing." });
      const { link } = await at.store.publish(galleryOf(30, { items }));
      const context = await at.browser.open({ ...PHONE, colorScheme });
      const { page, settled, until, accessibility } = await openGallery(context, link);
      await settled();
      assert.deepEqual(await accessibility(), []);
      await page.locator("[data-i='4']").tap();
      await until("isViewing('4 / 29')");
      assert.equal(
        await page.locator(".pswp__caption p").last().textContent(),
        "Video · Its sound is missing.",
      );
      assert.deepEqual(await accessibility(), []);
      await context.close();
    });

  it("is not needed: without it a tap opens the picture", async () => {
    const { link } = await at.store.publish(galleryOf(30));
    const context = await at.browser.open(PHONE);
    await context.route(/assets\/photoswipe/, (route) => route.abort());
    const { page, settled } = await openGallery(context, link);
    await settled();
    const href = await page.locator("[data-i='2']").getAttribute("href");
    await page.locator("[data-i='2']").tap();
    await page.waitForURL(href ?? "");
    await context.close();
  });
});
