import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CardFile, Inventory, Volume, VolumeId } from "../../src/domain/card.ts";
import { pathKey } from "../../src/domain/card-path.ts";
import { offload } from "../../src/ingest/offload.ts";
import type { Ports } from "../../src/ingest/ports.ts";

const volume: Volume = { id: "v" as VolumeId, root: "/card", label: "EOS" };
const file: CardFile = { path: new TextEncoder().encode("DCIM/IMG_0001.JPG"), sizeBytes: 1, modifiedMs: 1 };
const nothing: Inventory = { files: [], refused: [] };

/** A card whose file is kept already; it shows these listings, one after the other, and then nothing any more. */
function portsShowing(...listings: Inventory[]): Ports {
  const known = new Map([[pathKey(file.path), { ...file, hash: "", headHash: "" }]]);
  const ports = {
    cards: {
      list: async () => listings.shift() ?? nothing,
      assertPresent: async () => {},
      failedRequests: async () => null,
    },
    library: { holdsEach: () => [true] },
    catalog: {
      known: () => known,
      suspects: () => [],
      keptListing: () => null,
      unfinishedSession: () => null,
      openSession: () => assert.fail(),
    },
  };
  return ports as unknown as Ports;
}

const options = { rescan: "stat", readers: 1, reserveBytes: 0, verifySource: false, sharing: null } as const;

describe("offloading a card", () => {
  it("takes a card that has become empty for a card that is gone, not for one that is done", async () => {
    const never = new AbortController().signal;
    await assert.rejects(
      offload(volume, options, portsShowing({ files: [file], refused: [] }), () => {}, never),
      { code: "card-removed" },
    );
    await assert.rejects(
      offload(volume, options, portsShowing(), () => {}, never),
      { code: "card-empty" },
    );
  });
});
