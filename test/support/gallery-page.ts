import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";

/** A gallery open in a real browser, watched for everything that must not happen. */
export interface GalleryPage {
  readonly page: Page;
  /** Script errors, console errors, answers of 400 and more, dialogs, violations of the policy. */
  readonly problems: string[];
  /** Sum of all layout shifts so far, those right after an input included. */
  shifts(): Promise<number>;
  /** Waits until the script has laid out all photos and those on the screen are there. */
  settled(): Promise<void>;
  /** Rules of axe-core that the page breaks now. */
  accessibility(): Promise<string[]>;
}

const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

export async function openGallery(context: BrowserContext, link: string): Promise<GalleryPage> {
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  page.on("response", (response) => {
    if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`);
  });
  page.on("dialog", async (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  await page.addInitScript(() => {
    const watched = Object.assign(window, { shiftSum: 0 });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        watched.shiftSum += (entry as unknown as { value: number }).value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  await page.goto(link);
  return {
    page,
    problems,
    shifts: () => page.evaluate(() => (window as unknown as { shiftSum: number }).shiftSum),
    async settled() {
      await page.waitForFunction(() => document.querySelector(".b[style]") !== null);
      await page.waitForFunction(() =>
        [...document.images].every(({ complete, naturalWidth, loading }) =>
          complete ? naturalWidth > 0 : loading === "lazy",
        ),
      );
    },
    async accessibility() {
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() =>
        (
          window as unknown as {
            axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
          }
        ).axe.run(),
      );
      return violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`,
      );
    },
  };
}
