import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DESKTOP } from "../support/browser.ts";
import { browserAndStore } from "../support/browser-and-store.ts";
import { galleryOf, photo } from "../support/gallery-items.ts";
import { openGallery } from "../support/gallery-page.ts";
import { lacks } from "../support/needs.ts";

/** What a file name or a camera's own text could carry into a page; each would open a dialog if it ran. */
const PAYLOADS = [
  "<script>alert(1)</script>",
  "</script><script>alert(2)</script>",
  "<img src=x onerror=alert(3)>",
  '"><img src=x onerror=alert(4)>',
  "'><svg onload=alert(5)>",
  '" onmouseover="alert(6)" autofocus onfocus="alert(6)',
  "' onfocus='alert(7)' autofocus='",
  "<svg/onload=alert(8)>",
  "<!--<script>alert(9)//-->",
  "--><script>alert(10)</script>",
  "</title><script>alert(11)</script>",
  "</style><script>alert(12)</script>",
  "<style>*{background:url(javascript:alert(13))}</style>",
  "javascript:alert(14)",
  "<a href=javascript:alert(15)>x</a>",
  "<iframe srcdoc='<script>alert(16)</script>'>",
  "<iframe src=javascript:alert(17)>",
  "<object data=javascript:alert(18)>",
  "<math><mtext></mtext><script>alert(19)</script></math>",
  "<details open ontoggle=alert(20)>",
  "<video><source onerror=alert(21)>",
  "<body onload=alert(22)>",
  "<base href=//evil.example/>",
  "<meta http-equiv=refresh content='0;url=javascript:alert(23)'>",
  "<form action=javascript:alert(24)><input type=submit autofocus>",
  "{{constructor.constructor('alert(25)')()}}",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a payload, not a template
  "${alert(26)}",
  "<%= alert(27) %>",
  "<% alert(28) %>",
  "`-alert(29)-`",
  '\\";alert(30)//',
  "'-alert(31)-'",
  "\u2028alert(32)\u2029",
  "&lt;script&gt;alert(33)&lt;/script&gt;",
  "&#60;img src=x onerror=alert(34)&#62;",
  "<IMG SRC=x OnErRoR=alert(35)>",
  "<<script>alert(36);//<</script>",
  "<xss style=animation-name:x onanimationend=alert(37)>",
  "<noscript><p title='</noscript><img src=x onerror=alert(38)>'>",
  "<template><script>alert(39)</script></template>",
  "]]><script>alert(40)</script>",
  "\u202egpj.<img src=x onerror=alert(41)>",
];

describe("hostile names and camera texts in a real browser", { skip: lacks("chromium") }, () => {
  const at = browserAndStore();

  const items = PAYLOADS.flatMap((text, n) => {
    const { capture } = photo(n);
    const texts = {
      name: text,
      note: text,
      capture: { ...capture, camera: text, lens: text, exposure: text },
    };
    return [photo(2 * n, texts), photo(2 * n + 1, { ...texts, kind: "raw", renditions: [], color: text })];
  });

  it("are shown as they are and never run", async () => {
    const { link } = await at.store.publish(galleryOf(0, { items, title: PAYLOADS.join(" ") }));
    const context = await at.browser.open({ ...DESKTOP, reducedMotion: "reduce" });
    const { page, problems, settled, until } = await openGallery(context, link);
    await settled();
    assert.equal(await page.locator("h1").textContent(), PAYLOADS.join(" "));
    const names = new Set<string>();
    for (let y = 0; y < 12_000; y += 600) {
      await page.evaluate(`scrollTo(0, ${y})`);
      await until("isSettled()");
      for (const name of await page.locator(".plain span").allTextContents()) names.add(name);
    }
    assert.deepEqual([...names], PAYLOADS);
    await page.evaluate("scrollTo(0, 0)");
    await page.locator("[data-i='0']").click();
    await until(`isViewing('1 / ${PAYLOADS.length}')`);
    for (const text of PAYLOADS) {
      const caption = await page.locator(".pswp__caption p").allTextContents();
      assert.ok(caption[0]?.endsWith(text), `${caption[0]} for ${text}`);
      assert.equal(caption[1], [text, text, text].join(" · "));
      await page.keyboard.press("ArrowRight");
    }
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("do not run on the pages without a script either", async () => {
    const { put } = await at.store.publish(
      galleryOf(0, { items, slug: "hostileHostileHostileH", title: "</title>" }),
    );
    const pages = put.filter((key) => key.includes("/n/"));
    assert.equal(pages.length, 2);
    const signed = await at.store.sign(pages);
    const context = await at.browser.open(DESKTOP);
    for (const [place, key] of pages.entries()) {
      const link = `${signed.base}${key}?${signed.query}&${signed.signatureName}=${signed.signatures[place]}`;
      const { page, problems } = await openGallery(context, link);
      const names = await page.locator(".plain span").allTextContents();
      assert.deepEqual(names, PAYLOADS.slice(place * 30, place * 30 + 30));
      assert.deepEqual(problems, []);
    }
    await context.close();
  });
});

const hrefsOf = (links: { readonly href: string }[]): string[] => links.map(({ href }) => href);

describe("a gallery without JavaScript", { skip: lacks("chromium") }, () => {
  const at = browserAndStore();
  it("reaches every photo by links alone", async () => {
    const gallery = galleryOf(700, { state: "uploading" });
    const { link } = await at.store.publish(gallery);
    const context = await at.browser.open({ ...DESKTOP, javaScriptEnabled: false });
    const { page, problems } = await openGallery(context, link);
    // Hundreds of pictures without lazy loading would only make the test slow.
    await context.route(/-thumb\.jpg/, (route) => route.abort());
    assert.equal(await page.locator("a[data-i]").count(), 24);
    const photos = new Set<string>();
    const seen = new Set<string>();
    const todo = [link];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      const answer = await page.goto(next);
      assert.equal(answer?.status(), 200);
      for (const href of await page.locator("a[data-i]").evaluateAll(hrefsOf))
        photos.add(/p\/(\w+)-share/.exec(href)?.[1] ?? "");
      const onward = page.locator("nav a:visible");
      assert.ok((await onward.count()) > 0);
      todo.push(...(await onward.evaluateAll(hrefsOf)));
    }
    assert.deepEqual([...photos].toSorted(), gallery.items.map(({ hash }) => hash).toSorted());
    assert.equal(seen.size, 1 + 12);
    assert.deepEqual(
      problems.filter((problem) => !problem.includes("ERR_FAILED")),
      [],
    );
    await context.close();
  });
});
