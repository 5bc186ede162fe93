import assert from "node:assert/strict";
import { DAY_MS, deliveredGallery, START_MS } from "../../support/delivered-gallery.ts";

/** What signing a gallery again took. */
export interface FiveThousand {
  /** Objects that were put when it was published. */
  readonly published: number;
  readonly puts: number;
  readonly wallMs: number;
  readonly cpuMs: number;
}

// A process of its own, as the daemon is: a test runner follows each of the promises that signing makes, which costs as much.
const [folder = ""] = process.argv.slice(2);
const { catalog, session, put, ...again } = deliveredGallery(folder, 5000);
await again.publish(START_MS);
const published = put().length;
assert.deepEqual(await again.signAgain(START_MS + 3_600_000), [], "nothing has changed");
// As if the day, a key or the way of sharing had changed: everything is signed, made and compared.
catalog.linksPut(session.id, "otherwise", START_MS + 7 * DAY_MS);
const [beganMs, began] = [performance.now(), process.cpuUsage()];
assert.deepEqual(await again.signAgain(START_MS + 2 * 3_600_000), [session.name]);
const { user, system } = process.cpuUsage(began);
const wallMs = Math.round(performance.now() - beganMs);
catalog.close();
const told: FiveThousand = {
  published,
  puts: put().length,
  wallMs,
  cpuMs: Math.round((user + system) / 1000),
};
console.log(JSON.stringify(told));
