import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { identifyVolume } from "../../src/card/identify-volume.ts";
import { mediumOf } from "../../src/card/presence.ts";

describe("identifying a volume", () => {
  let folder: string;
  before(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), "ghostroll-volume-")));
    await Promise.all([mkdir(join(folder, "EOS")), mkdir(join(folder, "OTHER"))]);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("knows a folder again by its real path, however it is given", async () => {
    await symlink(join(folder, "EOS"), join(folder, "link"));
    const volume = await identifyVolume(join(folder, "EOS"));
    assert.match(volume.id, /^[0-9a-f]{32}$/);
    assert.deepEqual(volume, {
      id: volume.id,
      root: join(folder, "EOS"),
      label: "EOS",
      medium: await mediumOf(folder),
    });
    assert.deepEqual(await identifyVolume(join(folder, "link")), volume);
    assert.deepEqual(await identifyVolume(`${folder}/OTHER/../EOS/`), volume);
    assert.notEqual((await identifyVolume(join(folder, "OTHER"))).id, volume.id);
  });

  it("says what is wrong with a path that is not a folder", async () => {
    const file = join(folder, "IMG_0001.JPG");
    await writeFile(file, "x");
    await assert.rejects(identifyVolume(join(folder, "none")), {
      code: "card-missing",
      message: `There is no folder ${folder}/none.`,
    });
    await assert.rejects(identifyVolume(file), {
      code: "card-missing",
      message: new RegExp(`${basename(file)} is a file; give the folder`),
    });
  });
});
