import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";

/** A gallery open in a real browser, watched for everything that must not happen. */
export interface GalleryPage {
  readonly page: Page;
  /** Script errors, console errors, answers of 400 and more, dialogs, violations of the policy. */
  readonly problems: string[];
  /** Asks the code that runs in the page, `gallery-probe.js`. */
  readonly probe: <Answer>(question: string) => Promise<Answer>;
  /** Waits until a question to `probe` is answered with yes; throws after so many milliseconds. */
  readonly until: (question: string, timeoutMs?: number) => Promise<void>;
  /** Waits until the script has laid out all photos and those on the screen are there. */
  readonly settled: () => Promise<void>;
  /** Rules of axe-core that the page breaks now, with the elements that do. */
  readonly accessibility: () => Promise<string[]>;
}

const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

/** Opens a gallery and returns at once, so that a test can watch it load. */
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
  await page.addInitScript({ path: join(import.meta.dirname, "gallery-probe.js") });
  // Playwright's own waiting evaluates strings inside the page, which its policy rightly forbids.
  const until = async (question: string, timeoutMs = 5000): Promise<void> => {
    const endMs = performance.now() + timeoutMs;
    while (!(await page.evaluate(`probe.${question}`))) {
      if (performance.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${question}`);
      await setTimeout(50);
    }
  };
  await page.goto(link);
  return {
    page,
    problems,
    probe: (question) => page.evaluate(`probe.${question}`),
    until,
    settled: () => until("isSettled()"),
    async accessibility() {
      await page.evaluate(axe);
      const { violations } = await page.evaluate<{
        violations: { id: string; nodes: { html: string }[] }[];
      }>("axe.run()");
      return violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`,
      );
    },
  };
}
