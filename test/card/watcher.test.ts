import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import peek from "../../src/card/peek-task.ts";
import type { CardEvent } from "../../src/card/watcher.ts";
import { watchCards } from "../../src/card/watcher.ts";
import { Failure } from "../../src/domain/failure.ts";
import { lacksRoot } from "../support/needs.ts";

describe("watcher", () => {
  let media: string;
  let stop: AbortController;
  beforeEach(async () => {
    media = await realpath(await mkdtemp(join(tmpdir(), "ghostroll-media-")));
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    await rm(media, { recursive: true, force: true });
  });

  const watch = (options: Partial<Parameters<typeof watchCards>[0]> = {}) =>
    collect(
      watchCards({
        mountRoots: [media],
        labels: [],
        own: [],
        peek: { run: async (request) => peek(request) },
        signal: stop.signal,
        intervalMs: 250,
        listDrives: async () => null,
        ...options,
      }),
    );
  const card = async (name: string, folder = "DCIM") => {
    await mkdir(join(media, name, folder), { recursive: true });
    await writeFile(join(media, name, folder, "IMG_0001.JPG"), "x");
  };

  it("announces a card that is there, one that comes, and one that goes, each once", async () => {
    await card("FIRST");
    const events = watch();
    await events.until(1);
    await card("SECOND", "PRIVATE");
    await events.until(2);
    await rm(join(media, "FIRST"), { recursive: true });
    await events.until(3);
    await events.stays(800);
    assert.deepEqual(events.said(), ["inserted FIRST", "inserted SECOND", "removed FIRST"]);
    assert.deepEqual(events.list[0]?.volume, { ...events.list[2]?.volume });
    assert.equal(events.list[0]?.volume.root, join(media, "FIRST"));
  });

  it("announces a folder only when it holds what a card holds, or bears a configured label", async () => {
    await card("Documents", "Letters");
    await card("NIKON", "Films");
    const events = watch({ labels: ["NIKON"] });
    await events.until(1);
    await events.stays(700);
    assert.deepEqual(events.said(), ["inserted NIKON"]);
    await card("Documents");
    await events.until(2);
    assert.deepEqual(events.said(), ["inserted NIKON", "inserted Documents"]);
  });

  it("announces nothing that holds what we write to, or lies in it, before that is there and after", async () => {
    await card("DISK");
    await card("library");
    const own = ["DISK/ghostroll/originals", "library"].map((path) => join(media, path));
    const events = watch({ own });
    await card("FINE");
    await events.until(1);
    await mkdir(join(media, "DISK/ghostroll/originals"), { recursive: true });
    await events.stays(700);
    assert.deepEqual(events.said(), ["inserted FINE"]);
  });

  it("waits until a card's listing has settled", async () => {
    await card("EOS");
    let looks = 0;
    const events = watch({
      peek: {
        run: async (request) => {
          if (++looks <= 3) await writeFile(join(media, `EOS/DCIM/IMG_${looks}.JPG`), "more");
          return peek(request);
        },
      },
    });
    await events.until(1);
    assert.equal(looks, 4, "three looks at a growing card, and one equal to the last");
  });

  it("announces a folder again that was replaced by another of the same name", async () => {
    await card("EOS");
    const events = watch();
    await events.until(1);
    await rm(join(media, "EOS"), { recursive: true });
    await card("EOS");
    await events.until(3);
    assert.deepEqual(events.said(), ["inserted EOS", "removed EOS", "inserted EOS"]);
  });

  it("goes on with other cards while one hangs or cannot be read", async () => {
    await card("HANGS");
    await card("BROKEN");
    await card("FINE");
    const events = watch({
      peek: {
        run: async (request) => {
          if (request.root.endsWith("HANGS")) await new Promise(() => {});
          if (request.root.endsWith("BROKEN")) throw new Failure("card-unreadable", "EIO");
          return peek(request);
        },
      },
    });
    await events.until(1);
    await rm(join(media, "FINE"), { recursive: true });
    await events.until(2);
    assert.deepEqual(events.said(), ["inserted FINE", "removed FINE"]);
  });

  it("tells why a card cannot be looked at, once for each reason, and nothing of one that is gone", async (t) => {
    // Its tries are half a minute apart.
    const now = performance.now.bind(performance);
    t.mock.method(performance, "now", () => now() * 300);
    for (const name of ["BROKEN", "HANGS", "GONE", "FINE"]) await card(name);
    const looks = { BROKEN: 0, HANGS: 0, GONE: 0, FINE: 0 };
    const told: string[] = [];
    const events = watch({
      peek: {
        run: async (request) => {
          const name = basename(request.root) as keyof typeof looks;
          const look = ++looks[name];
          if (name === "BROKEN")
            throw new Failure("card-unreadable", look < 3 ? "It is dirty." : "It is worn.");
          if (name === "HANGS") throw new Failure("worker-late", "Nobody answered.");
          if (name === "GONE") throw new Failure("card-removed", "It is gone.");
          return peek(request);
        },
      },
      onTrouble: ({ code, message }, { root }) => told.push(`${basename(root)} ${code} ${message}`),
    });
    await events.until(1);
    while (Math.min(looks.BROKEN, looks.HANGS, looks.GONE) < 5) await events.stays(50);
    assert.deepEqual(told.toSorted(), [
      "BROKEN card-unreadable It is dirty.",
      "BROKEN card-unreadable It is worn.",
      `HANGS card-unresponsive The card at ${join(media, "HANGS")} does not respond.`,
    ]);
    assert.deepEqual(events.said(), ["inserted FINE"]);
  });

  it("throws a bug where the caller sees it", async () => {
    await card("EOS");
    const events = watch({
      peek: {
        run: async () => {
          throw new TypeError("a bug");
        },
      },
    });
    await assert.rejects(events.end, /a bug/);
  });

  it("waits for a mount root that is not there yet", async () => {
    const events = watch({ mountRoots: [join(media, "later")] });
    await events.stays(300);
    await card("later/EOS");
    await events.until(1);
    assert.deepEqual(events.said(), ["inserted EOS"]);
  });

  it("has whoever looks at cards prepared when a device comes", async () => {
    let prepared = 0;
    const events = watch({
      peek: { run: async (request) => peek(request), prepare: () => prepared++ },
      hints({ onDevice }) {
        onDevice?.();
        return { close: async () => {} };
      },
    });
    await events.stays(50);
    assert.equal(prepared, 1);
  });

  it("ends when the signal aborts", async () => {
    const events = watch({ intervalMs: 60_000 });
    await events.stays(200);
    stop.abort();
    await events.end;
  });

  it("tells mounts apart from folders, and whether they are read-only", {
    skip: lacksRoot(),
  }, async () => {
    const target = join(media, "MOUNTED");
    await mkdir(target);
    const events = watch();
    const mount = () => execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", target]);
    mount();
    try {
      await card("MOUNTED");
      execFileSync("mount", ["-o", "remount,ro", target]);
      await events.until(1);
      assert.equal(events.list[0]?.isWritable, false);
    } finally {
      execFileSync("umount", [target]);
    }
    await events.until(2);
    assert.deepEqual(events.said(), ["inserted MOUNTED", "removed MOUNTED"]);
  });
});

/** Gathers events in the background. */
function collect(events: AsyncIterable<CardEvent>) {
  const list: CardEvent[] = [];
  const end = (async () => {
    for await (const event of events) list.push(event);
  })();
  end.catch(() => {});
  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  return {
    list,
    end,
    said: () => list.map(({ kind, volume }) => `${kind} ${volume.label}`),
    async until(count: number) {
      for (let waited = 0; list.length < count && waited < 8_000; waited += 20) await sleep(20);
      assert.ok(list.length >= count, `${list.length} of ${count} events after 8 s`);
    },
    /** Nothing more is said for a while. */
    async stays(ms: number) {
      const before = list.length;
      await sleep(ms);
      assert.equal(list.length, before);
    },
  };
}
