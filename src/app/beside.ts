import { setTimeout as delay } from "node:timers/promises";
import type { Catalog } from "../catalog/catalog.ts";
import { openCatalog } from "../catalog/catalog.ts";
import type { Settings } from "../config/slices.ts";
import { Failure } from "../domain/failure.ts";
import type { ObjectStore } from "../remote/object-store.ts";
import type { Context } from "./context.ts";
import type { House } from "./house.ts";
import { openHouse } from "./house.ts";
import { slipTo } from "./ingest.ts";
import { openStore, storeName } from "./store.ts";

/**
 * Does it in a house of our own, or, where another GhostRoll works on the library, beside it: what is written to the catalog is
 * a fact, which the other one sees and acts upon within seconds.
 */
export async function besideOrAlone<Result>(
  settings: Settings,
  context: Context,
  ways: {
    alone(house: House): Promise<Result>;
    beside(catalog: Catalog): Promise<Result>;
  },
): Promise<Result> {
  let house: House;
  try {
    house = await openHouse(settings, { isServing: false, onSlip: slipTo(context.err) });
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "catalog-busy") throw error;
    const catalog = openCatalog(settings.library.dbPath, storeName(settings));
    try {
      return await ways.beside(catalog);
    } finally {
      catalog.close();
    }
  }
  try {
    return await ways.alone(house);
  } finally {
    await house.close();
  }
}

/** A person waits this long for another process; then it is said that it will be done. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 200;

/** Whether it became so while a person waits. */
export async function until(isSo: () => boolean): Promise<boolean> {
  for (const endMs = performance.now() + PATIENCE_MS; performance.now() < endMs; await delay(LOOK_MS))
    if (isSo()) return true;
  return false;
}

/** Asks the store something that needs no library. */
export async function inStore<Answer>(
  settings: Settings,
  ask: (store: ObjectStore) => Promise<Answer>,
): Promise<Answer> {
  const closing: (() => void | Promise<void>)[] = [];
  const { store } = await openStore(settings, null, closing);
  try {
    return await ask(store);
  } finally {
    for (const close of closing) await close();
  }
}
