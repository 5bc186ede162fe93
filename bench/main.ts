import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { endToEnd } from "./end-to-end.ts";
import { gallery } from "./gallery.ts";
import { hash } from "./hash.ts";
import { images } from "./images.ts";
import type { Setting } from "./measure.ts";
import { proof } from "./proof.ts";
import { rescan } from "./rescan.ts";
import { rows } from "./rows.ts";
import { start } from "./start.ts";
import type { Row } from "./table.ts";
import { tableOf } from "./table.ts";
import { uploads } from "./uploads.ts";

const QUESTIONS: Readonly<Record<string, (setting: Setting) => Promise<readonly Row[]>>> = {
  hash,
  rows,
  proof,
  images,
  "end-to-end": endToEnd,
  start,
  rescan,
  gallery,
  uploads,
};

/** `/tmp` is memory on many systems, and what is measured here is a disk. */
const ROOT = process.env["TMPDIR"] ?? "/var/tmp";

const USAGE = `npm run bench -- [--short] [--json] [question …]
Questions: ${Object.keys(QUESTIONS).join(", ")}. All of them unless some are named.`;

const { values, positionals } = read();
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const names = Object.keys(QUESTIONS).filter(
  (name) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
);
if (names.length === 0) {
  console.error(`There is no such question.\n${USAGE}`);
  process.exit(64);
}

const answers: Row[] = [];
for (const name of names) {
  console.error(`${name} …`);
  const folder = await mkdtemp(join(ROOT, "ghostroll-bench-"));
  try {
    answers.push(...((await QUESTIONS[name]?.({ folder, isShort: values.short === true })) ?? []));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
const machine = { node: process.version, cores: availableParallelism(), platform: process.platform };
if (values.json) console.log(JSON.stringify({ machine, rows: answers }, null, 2));
else console.log(`${tableOf(answers)}\n\nNode ${machine.node}, ${machine.cores} cores.`);

function read() {
  try {
    return parseArgs({
      options: {
        json: { type: "boolean" },
        short: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
      allowPositionals: true,
    });
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    return process.exit(64);
  }
}
