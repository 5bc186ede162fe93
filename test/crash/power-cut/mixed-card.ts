import { randomBytes } from "node:crypto";
import { makeCard, picture } from "../../support/card.ts";

const PICTURES = 10;
/** Not shown, so the time goes into keeping them; of sizes from a sidecar's to a RAW's, so batches end everywhere. */
const RAWS = 70;
const RAW_BYTES = [3_000, 60_000, 400_000, 1_500_000] as const;

/** How many tiles the gallery of a `mixedCard` has: everything on it but the twin of a picture. */
export const MIXED_TILES = PICTURES + RAWS;

/** Pictures, one of them twice, and many files that only have to be kept. */
export async function mixedCard(folder: string): Promise<string> {
  const files: Record<string, Uint8Array> = {};
  for (let n = 0; n < PICTURES; n++)
    files[`DCIM/100CANON/IMG_${String(n).padStart(4, "0")}.JPG`] = await picture(n);
  files["DCIM/101CANON/COPY.JPG"] = await picture(3);
  for (let n = 0; n < RAWS; n++)
    files[`DCIM/102CANON/RAW_${String(n).padStart(4, "0")}.CR3`] = randomBytes(
      RAW_BYTES[n % RAW_BYTES.length] ?? 0,
    );
  return makeCard(folder, files);
}
