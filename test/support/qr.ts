import { execFileSync } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import sharp from "sharp";

/** What a reader (zbar) makes of a QR code as a terminal shows it; the picture goes through `file`. */
export async function decodeQr(text: string, isDarkOnLight: boolean, file: string): Promise<string> {
  await photograph(text, isDarkOnLight, file);
  return execFileSync("zbarimg", ["--quiet", "--raw", file], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
}

/** Pixels as the terminal shows them: each character is two modules, one above the other. */
async function photograph(text: string, isDarkOnLight: boolean, file: string): Promise<void> {
  const [upper, lower] = ["█▀", "█▄"];
  const lines = stripVTControlCharacters(text).split("\n");
  const rows = lines.flatMap((line) =>
    [upper, lower].map((half) => Array.from(line, (char) => half?.includes(char) === isDarkOnLight)),
  );
  const width = rows[0]?.length ?? 0;
  const pixels = Buffer.from(rows.flatMap((row) => row.map((isDark) => (isDark ? 0 : 255))));
  await sharp(pixels, { raw: { width, height: rows.length, channels: 1 } })
    .resize(width * 4, rows.length * 4, { kernel: "nearest" })
    .png()
    .toFile(file);
}
