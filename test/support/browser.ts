import { accessSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { BrowserContext, BrowserContextOptions } from "playwright-core";
import { chromium } from "playwright-core";

const found = (process.env["PATH"] ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "chromium"))
  .find((path) => {
    try {
      accessSync(path);
      return true;
    } catch {
      return false;
    }
  });

/** A real Chromium without a screen, with a profile of its own that is removed in the end. */
export interface TestBrowser {
  /** A window of its own, with nothing remembered from others. */
  open(options?: BrowserContextOptions): Promise<BrowserContext>;
  close(): Promise<void>;
}

/** Starts Debian's Chromium; the caller closes it. */
export async function openBrowser(): Promise<TestBrowser> {
  if (found === undefined) throw new Error("needs Chromium: apt-get install chromium");
  const profile = await mkdtemp(join(tmpdir(), "ghostroll-chromium-"));
  const browser = await chromium.launch({
    executablePath: found,
    env: { ...process.env, HOME: profile, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile },
    args: [
      // Chromium's sandbox refuses to start as root, which containers are.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  return {
    open: (options) => browser.newContext(options),
    async close() {
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** A phone as guests hold it. */
export const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 3,
  hasTouch: true,
  isMobile: true,
};

export const DESKTOP: BrowserContextOptions = { viewport: { width: 1280, height: 800 } };
