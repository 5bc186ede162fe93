import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { CACHE_FOREVER, CACHE_NEVER, linkTo } from "../../src/domain/object.ts";
import type { ObjectStore } from "../../src/remote/object-store.ts";
import { failure, newObject, sha256 } from "./new-object.ts";

/** A store and what the contract needs to look at it from outside. */
interface StoreHarness {
  readonly store: ObjectStore;
  /** The same store opened by a box whose clock shows something else. */
  openAt(nowMs: number): Promise<ObjectStore>;
  /** How much of unfinished puts is lying around: open multipart uploads, temporary files. */
  countLeftovers(): Promise<number>;
  close(): Promise<void>;
}

/** Where servers may differ. */
interface Manners {
  /** How who shows no right signature is refused. No byte of an object comes with it. */
  readonly refusals: readonly number[];
  /** A server without conditional writes has to say so. */
  readonly isConditional: boolean;
}

const MEBIBYTE = 1024 * 1024;
const DAY_MS = 86_400_000;
const never = new AbortController().signal;

/** What every store must do. `skip` says why it cannot be tried here. */
export function objectStoreContract(
  name: string,
  skip: string | false,
  open: () => Promise<StoreHarness>,
  { refusals, isConditional }: Manners = { refusals: [403], isConditional: true },
): void {
  describe(`${name} as an object store`, { skip }, () => {
    let harness: StoreHarness;
    let store: ObjectStore;
    let folder: string;
    before(async () => {
      harness = await open();
      store = harness.store;
      folder = await mkdtemp(join(tmpdir(), "ghostroll-"));
    });
    after(async () => {
      await harness.close();
      await rm(folder, { recursive: true });
    });

    const inFile = async (bytes: Buffer) => {
      const file = join(folder, randomBytes(6).toString("hex"));
      await writeFile(file, bytes);
      return file;
    };
    const keysUnder = async (prefix: string) => (await collect(store.list(prefix, never))).toSorted();

    it("says that it is ready, and stores nothing to find out", async () => {
      await store.check(never);
      assert.deepEqual(await keysUnder(""), []);
      assert.equal(await harness.countLeftovers(), 0);
    });

    for (const [words, size] of SIZES)
      for (const form of ["bytes", "file"] as const)
        it(`gives back ${words} from ${form} as they were put`, async () => {
          const bytes = randomBytes(size);
          const key = `sizes/${size}-${form}`;
          const body = form === "bytes" ? { bytes } : { file: await inFile(bytes) };
          await store.put(newObject(key, bytes, { body }), never);
          assert.deepEqual(await store.has(key, never), { sizeBytes: size, sha256: sha256(bytes) });
          assert.ok(bytes.equals((await store.get(key, never)) ?? Buffer.from("missing")));
          assert.equal(await harness.countLeftovers(), 0);
        });

    it("keeps an object beside those below its key, and any odd but legal key", async () => {
      for (const key of ODD_KEYS) await store.put(newObject(key, Buffer.from(key)), never);
      assert.deepEqual(await keysUnder("g/odd"), ODD_KEYS.toSorted());
      for (const key of ODD_KEYS)
        assert.equal(Buffer.from((await store.get(key, never)) ?? []).toString(), key);
      const links = await store.sign(ODD_KEYS);
      for (const [index, key] of ODD_KEYS.entries()) {
        const answer = await fetch(linkTo(links, key, index));
        assert.equal(answer.status, 200, key);
        assert.equal(await answer.text(), key);
      }
    });

    it("refuses keys that a browser or a filesystem would take for others", async () => {
      for (const key of [
        "",
        "/a",
        "a/",
        "a//b",
        "a/../b",
        ".",
        "a/./b",
        "a\\b",
        "a\nb",
        "\ud800",
        "x".repeat(901),
      ]) {
        await assert.rejects(store.put(newObject(key, Buffer.from("x")), never), /not a key/, key);
        await assert.rejects(async () => store.sign([key]), /not a key/, key);
      }
    });

    it("signs nothing but what guests may open: no link ever leads to an original", async () => {
      for (const key of ["originals/a.cr3", "stations/box/1.json", "g", "assets", "gg/a", ".ghostroll-time"])
        await assert.rejects(async () => store.sign(["g/fine", key]), /not a key for guests/, key);
    });

    it("knows what it does not have", async () => {
      assert.equal(await store.has("nothing/here", never), null);
      assert.equal(await store.get("nothing/here", never), null);
      assert.deepEqual(await keysUnder("nothing"), []);
      assert.equal(await store.deletePrefix("nothing", never), 0);
    });

    it("shows the new bytes and headers after a second and a third put", async () => {
      for (const text of ["first", "the second", "3"]) {
        const bytes = Buffer.from(text);
        await store.put(newObject("g/again/i.json", bytes, { contentType: `text/x-${bytes.length}` }), never);
        assert.equal(Buffer.from((await store.get("g/again/i.json", never)) ?? []).toString(), text);
        const answer = await fetch(linkTo(await store.sign(["g/again/i.json"]), "g/again/i.json", 0));
        assert.equal(answer.headers.get("content-type"), `text/x-${bytes.length}`);
        assert.equal(await answer.text(), text);
      }
      assert.deepEqual(await keysUnder("g/again"), ["g/again/i.json"]);
    });

    it("removes an object and all below it, and nothing whose name merely begins alike", async () => {
      const below = ["g/r/abc", "g/r/abc/i.json", "g/r/abc/m/0.json", "g/r/abc/p/x-share.jpg"];
      for (const key of [...below, "g/r/abcd", "g/r/abcd/i.json", "g/r/ab"])
        await store.put(newObject(key, Buffer.from(key)), never);
      assert.deepEqual(await keysUnder("g/r/abc"), below);
      const links = await store.sign(below);
      assert.equal(await store.deletePrefix("g/r/abc", never), below.length);
      assert.deepEqual(await keysUnder("g/r"), ["g/r/ab", "g/r/abcd", "g/r/abcd/i.json"]);
      for (const [index, key] of below.entries())
        assert.equal((await fetch(linkTo(links, key, index))).status, 404, "a revoked link");
      await assert.rejects(store.deletePrefix("", never), /not a key/, "never everything at once");
    });

    if (isConditional) {
      it("replaces an object only when it is still what it was, and makes one only where there is none", async () => {
        const put = (text: string, tag: string | null) =>
          store.replace(newObject("galleries/a", Buffer.from(text)), tag, never);
        assert.equal(await store.getTagged("galleries/a", never), null);
        assert.equal(await put("no tag of this store", `"${"0".repeat(32)}"`), false, "of what is not there");
        assert.equal(await put("first", null), true);
        assert.equal(await put("another first", null), false);
        const first = await store.getTagged("galleries/a", never);
        assert.equal(Buffer.from(first?.bytes ?? []).toString(), "first");
        assert.equal(await put("second", first?.tag ?? ""), true);
        assert.equal(await put("late", first?.tag ?? ""), false);
        const second = await store.getTagged("galleries/a", never);
        assert.equal(Buffer.from(second?.bytes ?? []).toString(), "second");
        await store.deletePrefix("galleries", never);
        assert.equal(await put("after its end", second?.tag ?? ""), false);
        assert.equal(await store.has("galleries/a", never), null);
      });

      it("lets one of many win that replace an object at once", async () => {
        for (const round of [0, 1, 2, 3, 4]) {
          const before = await store.getTagged("galleries/race", never);
          const texts = Array.from({ length: 12 }, (_, number) => `${round} ${number}`);
          const won = await Promise.all(
            texts.map(async (text) =>
              store.replace(newObject("galleries/race", Buffer.from(text)), before?.tag ?? null, never),
            ),
          );
          assert.deepEqual(won.filter(Boolean), [true], `round ${round}`);
          const after = Buffer.from((await store.get("galleries/race", never)) ?? []).toString();
          assert.equal(after, texts[won.indexOf(true)]);
        }
      });
    } else {
      it("says when it cannot replace an object only if it is still what it was", async () => {
        const put = async () => store.replace(newObject("galleries/a", Buffer.from("x")), null, never);
        await assert.rejects(put(), failure("remote-unconditional"));
        await assert.rejects(put(), /does not know conditional writes/);
      });
    }

    for (const size of [1000, 17 * MEBIBYTE])
      for (const form of ["bytes", "file"] as const)
        it(`refuses ${size} bytes from ${form} that are not those announced, and keeps what was there`, async () => {
          const key = `lies/${size}-${form}`;
          const good = Buffer.from("good");
          await store.put(newObject(key, good), never);
          const bytes = randomBytes(size);
          const body = form === "bytes" ? { bytes } : { file: await inFile(bytes) };
          for (const lie of [
            { sha256: sha256(good) },
            { sizeBytes: size - 1 },
            { sizeBytes: size + 1 },
            { sizeBytes: 0, sha256: sha256(Buffer.alloc(0)) },
          ])
            await assert.rejects(
              store.put(newObject(key, bytes, { body, ...lie }), never),
              failure("remote-corrupt"),
            );
          assert.ok(good.equals((await store.get(key, never)) ?? Buffer.alloc(0)));
          assert.equal(await harness.countLeftovers(), 0);
        });

    it("leaves nothing or all of it when a put is broken off at any time, and no parts", async () => {
      const bytes = randomBytes(40 * MEBIBYTE);
      const file = await inFile(bytes);
      let broken = 0;
      for (const afterMs of [0, 2, 5, 10, 20, 40, 80, 120, 200]) {
        const reason = new Error("the card was pulled");
        const ending = new AbortController();
        setTimeout(() => ending.abort(reason), afterMs);
        try {
          await store.put(newObject("broken/off", bytes, { body: { file } }), ending.signal);
        } catch (error) {
          assert.equal(error, reason);
          const left = await store.get("broken/off", never);
          assert.ok(left === null || bytes.equals(left));
          if (left === null) broken += 1;
        }
        assert.equal(await harness.countLeftovers(), 0);
        await store.deletePrefix("broken", never);
      }
      assert.ok(broken > 0, "no put was slow enough to be broken off");
    });

    it("sweeps nothing away that was put", async () => {
      await store.put(newObject("swept/not", Buffer.from("here")), never);
      const days = await harness.openAt(Date.now() + 9 * DAY_MS);
      assert.deepEqual([await store.sweep(never), await days.sweep(never)], [0, 0]);
      assert.equal(Buffer.from((await store.get("swept/not", never)) ?? []).toString(), "here");
    });

    it("does not begin when it is too late", async () => {
      const late = AbortSignal.abort(new Error("too late"));
      await assert.rejects(store.put(newObject("late", Buffer.from("x")), late), /too late/);
      await assert.rejects(store.check(late), /too late/);
      assert.equal(await store.has("late", never), null);
    });

    describe("its links", () => {
      const page = gzipSync("<p>hello</p>");
      const picture = randomBytes(200_000);
      before(async () => {
        const body = { bytes: page };
        const shell = {
          body,
          contentType: "text/html; charset=utf-8",
          contentEncoding: "gzip",
          cacheControl: CACHE_NEVER,
        } as const;
        await store.put(newObject("g/links/shell", page, shell), never);
        await store.put(newObject("g/links/shell/p.jpg", picture), never);
      });
      const keys = ["g/links/shell", "g/links/shell/p.jpg"];

      it("open with the same bytes and headers, without an account", async () => {
        const links = await store.sign(keys);
        const shell = await fetch(linkTo(links, "g/links/shell", 0));
        assert.equal(shell.status, 200);
        assert.equal(shell.headers.get("content-type"), "text/html; charset=utf-8");
        assert.equal(shell.headers.get("content-encoding"), "gzip");
        assert.equal(shell.headers.get("cache-control"), CACHE_NEVER);
        assert.equal(await shell.text(), "<p>hello</p>");
        const share = await fetch(linkTo(links, "g/links/shell/p.jpg", 1));
        assert.equal(share.headers.get("content-type"), "image/jpeg");
        assert.equal(share.headers.get("cache-control"), CACHE_FOREVER);
        assert.ok(picture.equals(Buffer.from(await share.arrayBuffer())));
      });

      it("open in part, as players of videos ask for it", async () => {
        const link = linkTo(await store.sign(keys), "g/links/shell/p.jpg", 1);
        const part = await fetch(link, { headers: { range: "bytes=100-299" } });
        assert.equal(part.status, 206);
        assert.equal(part.headers.get("content-range"), "bytes 100-299/200000");
        assert.ok(picture.subarray(100, 300).equals(Buffer.from(await part.arrayBuffer())));
      });

      it("do not open unsigned, changed, for another key, or after their time, whether or not the object exists", async () => {
        await store.put(newObject("originals/a.cr3", Buffer.from("hello, original")), never);
        for (const key of ["g/links/shell", "g/links/missing"]) {
          const links = await store.sign([key]);
          const right = linkTo(links, key, 0);
          const signature = links.signatures[0] ?? "";
          const other = `${signature.startsWith("a") ? "b" : "a"}${signature.slice(1)}`;
          const stale = await (await harness.openAt(Date.now() - 8 * DAY_MS)).sign([key]);
          const wrong = {
            unsigned: right.split("?")[0] ?? "",
            "without signature": `${links.base}${key}?${links.query}`,
            "other signature": right.replace(signature, other),
            "short signature": right.replace(signature, signature.slice(0, -1)),
            "for another key": right.replace(key, `${key}x`),
            "of another key": right.replace(key, "g/links/shell/p.jpg"),
            "of an original": right.replace(key, "originals/a.cr3"),
            "of an original, by way of the gallery": right.replace(key, `${key}/../../originals/a.cr3`),
            "of an original, by way of the gallery, hidden": right.replace(
              key,
              `${key}%2F..%2F..%2Foriginals%2Fa.cr3`,
            ),
            "lives longer": right.replace(
              /(e|X-Amz-Expires)=(\d+)/,
              (_, name, life) => `${name}=${life - 1}`,
            ),
            "time is over": linkTo(stale, key, 0),
          };
          for (const [words, link] of Object.entries(wrong)) {
            assert.notEqual(link, right, words);
            const answer = await fetch(link);
            assert.ok(refusals.includes(answer.status), `${words}: ${key}: ${answer.status}`);
            assert.ok(!(await answer.text()).includes("hello"));
          }
        }
      });

      it("are the same all day long, also from another process", async () => {
        const morning = Date.UTC(2026, 5, 1, 0, 0, 1);
        const links = await (await harness.openAt(morning)).sign(keys);
        assert.deepEqual(await (await harness.openAt(morning + DAY_MS - 120_000)).sign(keys), links);
        assert.notDeepEqual(await (await harness.openAt(morning + DAY_MS)).sign(keys), links);
        assert.equal(links.expiresMs, Date.UTC(2026, 5, 1) + 7 * DAY_MS);
      });

      it("carry what they share only once, for a thousand keys", async () => {
        const thousand = Array.from({ length: 1000 }, (_, index) => `g/links/${index}/p.jpg`);
        const links = await store.sign(thousand);
        assert.equal(links.signatures.length, 1000);
        assert.equal(new Set(links.signatures).size, 1000);
        assert.ok(links.signatures.every((signature) => /^[\w-]+$/.test(signature)));
        assert.ok(links.base.endsWith("/"));
        for (const index of [0, 1, 500, 999]) {
          const key = thousand[index] ?? "";
          await store.put(newObject(key, Buffer.from(key)), never);
          assert.equal(await (await fetch(linkTo(links, key, index))).text(), key);
        }
      });
    });
  });
}

// biome-ignore format: a table reads in columns
const SIZES = [
  ["no byte", 0], ["1 byte", 1], ["5 MiB and a byte", 5 * MEBIBYTE + 1], ["16 MiB", 16 * MEBIBYTE],
  ["16 MiB and a byte", 16 * MEBIBYTE + 1], ["40 MiB", 40 * MEBIBYTE],
] as const;

const ODD_KEYS = [
  "g/odd",
  "g/odd/a",
  "g/odd/a/b",
  "g/odd/a@.json",
  "g/odd/a@.json/b",
  "g/odd/a=20b",
  "g/odd/with space & plus+ 100%",
  "g/odd/it's (odd)!*",
  "g/odd/é and e\u0301 and 写真",
  "g/odd/-f/.hidden",
  "g/odd/x=1?y=2#z",
  "g/odd/%2e%2e",
  `g/odd/${"l".repeat(200)}`,
];

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
