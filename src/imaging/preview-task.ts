import sharp from "sharp";

export interface PreviewRequest {
  /** Absolute path of the rendition it is made from. */
  readonly file: string;
}

/** What Facebook and others show large without cutting it (ogp.me leaves it open; developers.facebook.com/docs/sharing/webmasters/images). */
const [WIDTH, HEIGHT] = [1200, 630];
/** WhatsApp shows no picture above 300 KB; others take megabytes. */
const MOST_BYTES = 300_000;
/** From what nobody tells from the original to what still looks well at this size. */
const QUALITIES = [82, 70, 55, 40] as const;
/** A picture wider than this loses little at its edges; a squarer one would lose heads and feet, and stands before itself, blurred. */
const LEAST_ASPECT = 1.3;
const BLUR = 40;

/**
 * Makes the picture that a messenger shows beside a link: a JPEG of 1200×630 without metadata, below 300 KB. `null` when the
 * rendition is not there or cannot be read. Runs in a thread of a child that may be killed.
 */
export default async function preview({ file }: PreviewRequest): Promise<Uint8Array | null> {
  try {
    const { width, height } = await sharp(file).metadata();
    const picture = await (width / height >= LEAST_ASPECT ? cut(file) : framed(file));
    for (const quality of QUALITIES) {
      const bytes = await sharp(picture).jpeg({ quality, progressive: true }).toBuffer();
      if (bytes.length < MOST_BYTES) return bytes;
    }
    return null;
  } catch {
    // Renditions are a cache, and no gallery waits for its preview: whatever is wrong is found when the rendition is put.
    return null;
  }
}

async function cut(file: string): Promise<Buffer> {
  return sharp(file)
    .resize(WIDTH, HEIGHT, { fit: "cover", position: "attention" })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

async function framed(file: string): Promise<Buffer> {
  const whole = await sharp(file).resize(WIDTH, HEIGHT, { fit: "inside" }).toBuffer();
  return sharp(file)
    .resize(WIDTH, HEIGHT, { fit: "cover" })
    .blur(BLUR)
    .modulate({ brightness: 0.8 })
    .composite([{ input: whole, gravity: "center" }])
    .png({ compressionLevel: 1 })
    .toBuffer();
}
