import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { Gallery } from "../../src/domain/gallery.ts";
import { DESKTOP, PHONE } from "../support/browser.ts";
import { browserAndStore } from "../support/browser-and-store.ts";
import { galleryOf, photo, SLUG } from "../support/gallery-items.ts";
import { openGallery } from "../support/gallery-page.ts";
import { lacks } from "../support/needs.ts";

/** What a browser says when a tab is looked at again; the page then asks for news at once. */
const LOOK_AGAIN = "document.dispatchEvent(new Event('visibilitychange'))";

interface Place {
  readonly photo: number;
  readonly top: number;
  readonly left: number;
}

describe("an open gallery in a real browser", { skip: lacks("chromium") }, () => {
  const at = browserAndStore();

  const uploading = (count: number, changes: Partial<Gallery> = {}): Gallery =>
    galleryOf(count, { state: "uploading", expected: 300, ...changes });

  it("shows photos that arrive within ten seconds, by itself, and moves nothing", async () => {
    const { link } = await at.store.publish(uploading(100));
    const context = await at.browser.open({ ...PHONE, deviceScaleFactor: 1 });
    const { page, problems, settled, probe, until } = await openGallery(context, link);
    await settled();
    await page.evaluate("scrollTo(0, 1e6)");
    await until("isOnScreen(99)");
    const before = await probe<Place[]>("places()");
    await at.store.publish(uploading(112));
    await until("countOf('.pill') === 1", 10_000);
    assert.equal(await page.textContent(".pill"), "12 new photos");
    assert.equal(await page.textContent("#count"), "112 photos so far, 188 more to come");
    const now = new Map((await probe<Place[]>("places()")).map((place) => [place.photo, place]));
    for (const place of before) assert.deepEqual(now.get(place.photo), place);
    assert.equal(await probe("shifts()"), 0);
    await page.locator(".pill").click();
    await until("isOnScreen(100)");
    assert.equal(await page.locator(".pill").count(), 0);
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("fills a page that was opened before the first photo was there", async () => {
    const { link } = await at.store.publish(uploading(0));
    const context = await at.browser.open(PHONE);
    const { page, problems, settled, until } = await openGallery(context, link);
    await until("text('#count') === '0 photos so far, 300 more to come'");
    await at.store.publish(uploading(5));
    await page.evaluate(LOOK_AGAIN);
    await settled();
    assert.equal(await page.locator("a[data-i]").count(), 5);
    assert.equal(await page.locator("h2").textContent(), "Saturday 14 November 2026 10:00");
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("keeps its place while photos arrive below, and completes the row that was open", async () => {
    const { link } = await at.store.publish(uploading(200));
    const context = await at.browser.open(DESKTOP);
    const { page, problems, settled, probe, until } = await openGallery(context, link);
    await settled();
    await page.evaluate("scrollTo(0, 3000)");
    const before = await probe<Place[]>("places()");
    await at.store.publish(galleryOf(290));
    await page.evaluate(LOOK_AGAIN);
    await until("text('#count') === '290 photos'");
    assert.equal(await page.evaluate("scrollY"), 3000);
    assert.equal(await page.textContent(".pill"), "90 new photos");
    const now = new Map((await probe<Place[]>("places()")).map((place) => [place.photo, place]));
    for (const place of before) assert.deepEqual(now.get(place.photo), place);
    assert.equal(await probe("shifts()"), 0);
    await page.locator(".pill").click();
    await until("isOnScreen(200)");
    assert.equal(await page.locator(".pill").count(), 0);
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("keeps the photo someone looks at when a second camera brings earlier ones", async () => {
    const { link } = await at.store.publish(uploading(120));
    const context = await at.browser.open(DESKTOP);
    const { page, problems, settled, probe, until } = await openGallery(context, link);
    await settled();
    await page.evaluate("scrollTo(0, 4000)");
    await until("topPhoto() > 30");
    const linkAtTop = await probe<string>("topLink()");
    const items = Array.from({ length: 130 }, (_, n) => (n < 10 ? photo(1000 + n) : photo(n - 10)));
    await at.store.publish(uploading(130, { items }));
    await page.evaluate(LOOK_AGAIN);
    await until("text('#count') === '130 photos so far, 170 more to come'");
    assert.equal(await probe("topLink()"), linkAtTop);
    assert.match((await page.locator(".hero").getAttribute("href")) ?? "", new RegExp(photo(1000).hash));
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("asks for the index at once when a chunk is newer than it", async () => {
    const { link } = await at.store.publish(uploading(161));
    const context = await at.browser.open(DESKTOP);
    await context.clock.install();
    const { page, problems, settled, until } = await openGallery(context, link);
    await settled();
    await context.clock.pauseAt(Date.now() + 1000);
    await at.store.publish(uploading(200));
    await page.evaluate("scrollTo(0, 1e6)");
    // No poll can happen: the page's clock stands still.
    await until("countOf('[data-i=\"160\"]') === 1");
    await until("text('#count') === '200 photos so far, 100 more to come'");
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("asks for news every five seconds, less often when there is none, and no more when it is complete", async () => {
    const { link } = await at.store.publish(uploading(30));
    const context = await at.browser.open(PHONE);
    await context.clock.install();
    const { settled, problems } = await openGallery(context, link);
    await settled();
    const answersIn = async (seconds: number): Promise<number[]> => {
      at.store.asked.length = 0;
      for (let passed = 0; passed < seconds; passed += 5) {
        await context.clock.runFor(5000);
        // The answer comes in real time.
        await setTimeout(80);
      }
      return at.store.asked.filter(({ path }) => path.includes("i.json")).map(({ status }) => status);
    };
    assert.deepEqual(await answersIn(60), Array(12).fill(304));
    assert.deepEqual(await answersIn(60), Array(6).fill(304));
    await at.store.publish(galleryOf(30));
    assert.deepEqual(await answersIn(10), [200]);
    assert.deepEqual(await answersIn(60), []);
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("heals itself when its links have ended: pictures come without a reload", async () => {
    const { link } = await at.store.publish(galleryOf(300));
    const context = await at.browser.open(DESKTOP);
    const { page, settled, probe, until } = await openGallery(context, link);
    await settled();
    await page.evaluate("window.isSamePage = true");
    at.store.renewSignatures();
    await at.store.publish(galleryOf(300));
    await page.evaluate("scrollTo(0, 2500)");
    await until("isSettled() && probe.topPhoto() > 20", 8000);
    assert.equal(await page.evaluate("window.isSamePage"), true);
    assert.equal(await probe("shifts()"), 0);
    await page.locator("[data-i='40']").click();
    await until("isPictureShown()");
    await context.close();
  });

  it("says so kindly when the gallery has ended", async () => {
    const { link } = await at.store.publish(uploading(40));
    const context = await at.browser.open({ ...PHONE, colorScheme: "dark" });
    const { page, settled, until, accessibility } = await openGallery(context, link);
    await settled();
    at.store.remove(SLUG);
    await page.evaluate(LOOK_AGAIN);
    await until("text('h1') === 'This gallery has ended'");
    assert.equal(await page.locator("img").count(), 0);
    assert.equal(await page.getByRole("link", { name: "Try again" }).getAttribute("href"), link);
    assert.deepEqual(await accessibility(), []);
    await context.close();
  });
});
