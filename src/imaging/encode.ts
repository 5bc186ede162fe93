import sharp from "sharp";
import type { Pixels } from "./decode.ts";

/** Makes pixels smaller, never larger. */
export async function shrink(pixels: Pixels, maxLongEdge: number): Promise<Pixels> {
  if (Math.max(pixels.width, pixels.height) <= maxLongEdge) return pixels;
  // Cubic instead of Lanczos: at this size nobody sees the difference.
  const { data, info } = await from(pixels)
    .resize({ width: maxLongEdge, height: maxLongEdge, fit: "inside", kernel: "cubic" })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

/** The pixels as a JPEG without any metadata; progressive, so that a slow phone shows something early. */
export async function encodeJpeg(pixels: Pixels, quality: number): Promise<Buffer> {
  return from(pixels).jpeg({ quality, progressive: true }).toBuffer();
}

/** The mean color as `rrggbb`. */
export function meanColor({ data, channels }: Pixels): string {
  const sums = [0, 0, 0];
  for (let at = 0; at < data.length; at += channels)
    for (let band = 0; band < 3; band++)
      sums[band] = (sums[band] ?? 0) + (data[at + (channels < 3 ? 0 : band)] ?? 0);
  const count = data.length / channels;
  return sums
    .map((sum) =>
      Math.round(sum / count)
        .toString(16)
        .padStart(2, "0"),
    )
    .join("");
}

function from({ data, width, height, channels }: Pixels) {
  return sharp(data, { raw: { width, height, channels } });
}
