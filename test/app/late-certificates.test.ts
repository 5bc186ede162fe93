import assert from "node:assert/strict";
import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { openHouse } from "../../src/app/house.ts";
import { identifyVolume } from "../../src/card/identify-volume.ts";
import { loadSettings } from "../../src/config/load.ts";
import type { Volume } from "../../src/domain/card.ts";
import { formatInWords } from "../../src/domain/safety.ts";
import type { Certificate } from "../../src/ingest/certify.ts";
import { ingestCard } from "../../src/ingest/ingest-card.ts";
import { openLateCertificates } from "../../src/ingest/late-certificates.ts";
import { makeCard, pictureCard } from "../support/card.ts";
import { loopDisk } from "../support/loop-disk.ts";
import { lacksRoot } from "../support/needs.ts";
import { tempFolder } from "../support/temp.ts";

const DISK_BYTES = 128 * 1024 * 1024;

/** A card that is read twice and kept, while its second disk is away. */
async function keptOnce(t: TestContext) {
  const folder = await tempFolder(t);
  const { disk } = await loopDisk(t, DISK_BYTES);
  const second = join(disk, "second");
  const root = await pictureCard(join(folder, "card"), 3);
  const flags = {
    BASE_DIR: join(folder, "library"),
    SECOND_DIR: second,
    VERIFY_SOURCE: "true",
    RESERVE_MB: "0",
    WEB_PORT: "0",
  };
  const settings = loadSettings({ flags, environment: {}, cwd: folder, homeDir: folder });
  const house = await openHouse(settings, { isServing: false, onSlip: assert.fail });
  t.after(house.close);
  const told: Certificate[] = [];
  const late = openLateCertificates(house.ports, (_, certificate) => void told.push(certificate));
  const { signal } = new AbortController();
  const volume = await identifyVolume(root);

  const takeIn = async (inserted: Volume) => {
    late.inserted(inserted);
    const { offloaded, certified } = await ingestCard(inserted, house.options, house.ports, () => {}, signal);
    return { offloaded, certificate: await certified };
  };
  const taken = await takeIn(volume);
  assert.deepEqual(
    taken.certificate.format?.map(({ doubt }) => doubt),
    ["one-copy"],
  );
  return {
    ...taken,
    volume,
    root,
    late,
    told,
    askAgain: () => late.askAgain(signal),
    receipt: async () =>
      readFile(join(settings.library.baseDir, taken.certificate.receipt ?? "", "receipt.txt"), "utf8"),
    /** The disk is there again, and gets its copies. */
    async comesBack() {
      await mkdir(second);
      assert.equal(await house.ports.second?.copied("all", signal), null);
    },
    leaves: async () => rename(second, join(disk, "away")),
  };
}

describe("a card that lacks its second copies", { skip: lacksRoot() }, () => {
  it("is called safe to format, once, when they are made while it is still in", async (t) => {
    const card = await keptOnce(t);
    card.late.certified(card.volume, card.offloaded, card.certificate);
    await card.askAgain();
    assert.deepEqual(card.told, [], "the disk is away");
    assert.match(await card.receipt(), /Not yet safe to format/);

    await card.comesBack();
    await card.askAgain();
    await card.askAgain();
    assert.deepEqual(card.told, [{ format: [], uncopied: null, receipt: card.certificate.receipt }]);
    assert.ok((await card.receipt()).includes(formatInWords([])));
  });

  it("is not, when it was taken out, was inserted again, or has more on it by then", async (t) => {
    const card = await keptOnce(t);
    card.late.removed(card.volume);
    card.late.certified(card.volume, card.offloaded, card.certificate);
    await card.comesBack();
    await card.askAgain();
    assert.deepEqual(card.told, [], "taken out");

    card.late.inserted(card.volume);
    card.late.certified(card.volume, card.offloaded, card.certificate);
    card.late.inserted({ ...card.volume });
    await card.askAgain();
    assert.deepEqual(card.told, [], "inserted again");

    card.late.inserted(card.volume);
    card.late.certified(card.volume, card.offloaded, card.certificate);
    await makeCard(card.root, { "DCIM/100CANON/IMG_9999.JPG": Buffer.from("shot meanwhile") });
    await card.askAgain();
    assert.deepEqual(card.told, [], "more on it");
  });

  it("is not, as long as the disk that has them is away", async (t) => {
    const card = await keptOnce(t);
    await card.comesBack();
    card.late.certified(card.volume, card.offloaded, card.certificate);
    await card.leaves();
    await card.askAgain();
    assert.deepEqual(card.told, []);
  });
});
