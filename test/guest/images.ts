import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readdir, truncate } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";

const exec = promisify(execFile);

/** Runs a program and returns what it printed. */
export async function runOnHost(program: string, ...words: readonly string[]): Promise<string> {
  return (await exec(program, words, { env: { ...process.env, MTOOLS_SKIP_CHECK: "1" } })).stdout;
}

/** Where cameras let the first partition begin. */
const FIRST_SECTOR = 8192;
const SECTOR_BYTES = 512;
/** An SD slot takes only powers of two. */
const CARD_MB = 64;

interface CardImage {
  readonly image: string;
  readonly label: string;
  readonly filesystem: "vfat" | "exfat";
  /** Whether the filesystem begins where the card does. */
  readonly isBare?: boolean;
}

/** Formats an image as a camera formats a card; exFAT stays empty, since nothing can fill it without mounting. */
export async function formatCard(card: CardImage & { readonly files?: string }): Promise<void> {
  const { image, label, filesystem, isBare = false, files } = card;
  const offset = isBare ? 0 : FIRST_SECTOR;
  await (await open(image, "wx")).close();
  await truncate(image, CARD_MB * 2 ** 20);
  if (!isBare) await partition(image, filesystem === "vfat" ? "c" : "7");
  if (filesystem === "exfat") {
    const inner = `${image}.filesystem`;
    await (await open(inner, "wx")).close();
    await truncate(inner, CARD_MB * 2 ** 20 - offset * SECTOR_BYTES);
    await runOnHost("mkfs.exfat", "-L", label, inner);
    await runOnHost(
      "dd",
      `if=${inner}`,
      `of=${image}`,
      `bs=${SECTOR_BYTES}`,
      `seek=${offset}`,
      "conv=notrunc,sparse",
    );
    return;
  }
  await runOnHost("mkfs.vfat", "-F", "32", "-n", label, "--offset", String(offset), image);
  for (const name of files === undefined ? [] : await readdir(files))
    await runOnHost(
      "mcopy",
      "-s",
      "-m",
      "-i",
      `${image}@@${offset * SECTOR_BYTES}`,
      join(files ?? "", name),
      "::/",
    );
}

async function partition(image: string, type: string): Promise<void> {
  const table = exec("sfdisk", ["--quiet", image]);
  table.child.stdin?.end(`${FIRST_SECTOR},,${type}\n`);
  await table;
}

/** SHA-256 of everything in an image, as hexadecimal digits. */
export async function imageHash(image: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(image), hash);
  return hash.digest("hex");
}
