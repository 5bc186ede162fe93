import { after, before } from "node:test";
import type { TestBrowser } from "./browser.ts";
import { openBrowser } from "./browser.ts";
import type { TestStore } from "./gallery-store.ts";
import { openStore } from "./gallery-store.ts";

/** A browser and a store of galleries for all tests of a `describe`; there once the first of them runs. */
export function browserAndStore(): { readonly browser: TestBrowser; readonly store: TestStore } {
  const at = {} as { browser: TestBrowser; store: TestStore };
  before(async () => {
    [at.browser, at.store] = await Promise.all([openBrowser(), openStore()]);
  });
  after(async () => {
    await Promise.all([at.browser?.close(), at.store?.close()]);
  });
  return at;
}
