import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { CardEvent } from "../../src/card/watcher.ts";
import { watchCards } from "../../src/card/watcher.ts";
import { openWorkers } from "../../src/workers/pool.ts";
import { loopCard } from "../support/loop-card.ts";
import { lacks, lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

const skip = lacks("mkfs.ext4") || lacksRoot();
const WITHIN_MS = 15_000;
const PEEK = new URL("../../src/card/peek-task.ts", import.meta.url);

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

describe("from plugging in to the announcement", { skip }, () => {
  for (const [how, cycles, options, boundMs] of [
    ["with hints", 7, {}, 3_000],
    ["without any hint", 3, { hints: null }, 5_000],
  ] as const)
    it(`${how} it takes less than ${boundMs / 1000} s, two equal looks included, and a removal less than 5 s`, {
      timeout: 120_000,
    }, async (t) => {
      const media = await realpath(await tempFolder(t));
      const card = await loopCard(t, { "DCIM/100CANON/IMG_0001.JPG": "one" });
      const target = join(media, "EOS_DIGITAL");
      const stop = new AbortController();
      t.after(() => stop.abort());
      const workers = openWorkers({ threads: 1, env: {} });
      t.after(workers.close);
      const events: CardEvent[] = [];
      const watching = (async () => {
        const peek = workers.task<{ root: string }, never>(PEEK, 30_000);
        for await (const event of watchCards({
          mountRoots: [media],
          labels: [],
          own: [],
          peek,
          signal: stop.signal,
          ...options,
        }))
          events.push(event);
      })();
      const next = async (kind: CardEvent["kind"], act: () => Promise<void>) => {
        // At any moment between two scans.
        await delay(Math.random() * 1_000);
        const [count, startedMs] = [events.length, performance.now()];
        await act();
        while (events.length === count && performance.now() - startedMs < WITHIN_MS) await delay(2);
        assert.equal(events.at(-1)?.kind, kind);
        return performance.now() - startedMs;
      };
      const [inMs, outMs]: [number[], number[]] = [[], []];
      for (let cycle = 0; cycle < cycles; cycle++) {
        inMs.push(await next("inserted", () => card.insert(target)));
        outMs.push(await next("unmounted", () => card.remove(target)));
      }
      stop.abort();
      await watching;
      const shown = (values: readonly number[]) => values.map((ms) => ms.toFixed(0)).join(" ");
      const load = readFileSync("/proc/loadavg", "utf8").split(" ")[0];
      t.diagnostic(`inserted after ${shown(inMs)} ms, median ${median(inMs).toFixed(0)}; load ${load}`);
      t.diagnostic(`unmounted after ${shown(outMs)} ms, median ${median(outMs).toFixed(0)}`);
      assert.ok(median(inMs) < boundMs, `${median(inMs)} ms`);
      assert.ok(Math.max(...outMs) < 5_000, `${Math.max(...outMs)} ms`);
    });
});
