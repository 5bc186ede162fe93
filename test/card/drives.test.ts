import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const ASK = fileURLToPath(new URL("./fixtures/ask-drives.ts", import.meta.url));
const stick = {
  name: "/dev/sda",
  kname: "/dev/sda",
  rm: true,
  hotplug: true,
  subsystems: "block:scsi:usb:pci",
};
const slot = { name: "/dev/mmcblk1", rm: false, hotplug: true, subsystems: "block:mmc:mmc_host:platform" };
const fixed = { name: "/dev/nvme0n1", rm: false, hotplug: false, subsystems: "block:nvme:pci" };
const memory = { name: "/dev/zram0", rm: false, hotplug: false, subsystems: "block" };
const ANSWER = `cat <<'END'\n${JSON.stringify({ blockdevices: [stick, slot, fixed, memory] })}\nEND`;

describe("drives", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ghostroll-lsblk-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("are what lsblk lists, by name and whether they can be taken out", async () => {
    const [answer] = await askWith(ANSWER);
    assert.deepEqual(answer?.drives, [
      { name: "sda", isRemovable: true },
      { name: "mmcblk1", isRemovable: true },
      { name: "nvme0n1", isRemovable: false },
      { name: "zram0", isRemovable: false },
    ]);
  });

  it("are unknown within the deadline when lsblk hangs, and no second one is started beside what cannot be ended", async () => {
    const log = join(folder, "calls");
    // Killing the shell leaves the sleep, which holds the output open, as a process stuck in the kernel would. It is there before
    // the call is written down: a busy machine may be as slow as the deadline.
    const answers = await askWith(`sleep 3 & echo call >> ${log}; wait`);
    for (const { drives, ms } of answers) {
      assert.equal(drives, null);
      assert.ok(ms < 1_500, `${ms} ms`);
    }
    assert.equal(await readFile(log, "utf8"), "call\n");
  });

  for (const [what, script] of [
    ["prints garbage", "echo '}garbage{'"],
    ["prints other JSON than lsblk", "echo '{}'"],
    ["fails", "exit 32"],
  ] as const)
    it(`are unknown when lsblk ${what}`, async () => {
      const answers = await askWith(script);
      assert.deepEqual(
        answers.map(({ drives }) => drives),
        [null, null],
      );
    });

  it("are known again after lsblk failed once", async () => {
    const answers = await askWith(`[ -e "$0.failed" ] || { touch "$0.failed"; exit 1; }\n${ANSWER}`);
    assert.equal(answers[0]?.drives, null);
    assert.ok(Array.isArray(answers[1]?.drives));
  });

  /** Two answers of a process that finds this lsblk first. A process of its own, so that what hangs is left behind with it. */
  async function askWith(script: string): Promise<{ drives: unknown; ms: number }[]> {
    const lsblk = join(folder, "lsblk");
    await writeFile(lsblk, `#!/bin/sh\n${script}\n`);
    await chmod(lsblk, 0o755);
    const env = { ...process.env, PATH: `${folder}${delimiter}${process.env["PATH"]}` };
    return JSON.parse(execFileSync(process.execPath, [ASK], { env, encoding: "utf8", timeout: 15_000 })) as {
      drives: unknown;
      ms: number;
    }[];
  }
});
