import { createHash } from "node:crypto";
import { createRequire, syncBuiltinESMExports } from "node:module";

// Loaded into the command by NODE_OPTIONS: every random name is the same in each run, so that strace, which takes whole
// paths only, can be told beforehand which files are the library's.
const crypto = createRequire(import.meta.url)("node:crypto") as {
  randomBytes: (count: number) => Buffer;
  randomUUID: () => string;
};
let made = 0;
crypto.randomBytes = (count) => createHash("shake256", { outputLength: count }).update(`${made++}`).digest();
crypto.randomUUID = () => {
  const hex = crypto.randomBytes(16).toString("hex");
  return [8, 12, 16, 20, 32].map((end, index) => hex.slice([0, 8, 12, 16, 20][index], end)).join("-");
};
syncBuiltinESMExports();
