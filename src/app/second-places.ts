import { bytesInWords } from "../domain/amounts.ts";
import { Failure } from "../domain/failure.ts";
import { keys } from "../domain/layout.ts";
import type { SecondCopies } from "../ingest/ports.ts";
import type { SecondPlace } from "../ingest/verify.ts";
import type { ObjectStore } from "../remote/object-store.ts";

/** A whole object is held in memory: what a machine of 1 GB can give without swapping. Any photo is smaller. */
const MAX_FETCHED_BYTES = 256 * 1024 * 1024;

/** Where good copies of originals may be, the nearest first. */
export function secondPlaces(
  second: SecondCopies | null,
  store: Pick<ObjectStore, "has" | "get" | "isOffsite">,
): SecondPlace[] {
  const bucket: SecondPlace = {
    name: "the bucket",
    async find({ hash, path, sizeBytes }, signal) {
      const key = keys.original(hash, path);
      const found = await store.has(key, signal);
      if (found?.sizeBytes !== sizeBytes) return null;
      if (sizeBytes > MAX_FETCHED_BYTES)
        throw new Failure(
          "remote-refused",
          `${key} has ${bytesInWords(sizeBytes)}, too much to be fetched here; put it into the place of ${path} by hand.`,
        );
      const bytes = await store.get(key, signal);
      return bytes && { bytes };
    },
  };
  const buckets = store.isOffsite ? [bucket] : [];
  if (second === null) return buckets;
  const disk: SecondPlace = {
    name: "the second disk",
    async find(original) {
      const file = await second.find(original);
      return file === null ? null : { file };
    },
  };
  return [disk, ...buckets];
}
