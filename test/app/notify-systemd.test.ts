import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openSupervisor } from "../../src/app/notify-systemd.ts";
import { tempFolder } from "../support/temp.ts";

/** A systemd-notify that writes down what it was told; what it is like under a real systemd, box.test.ts shows. */
async function listener(test: { after(run: () => Promise<void>): void }) {
  const folder = await tempFolder(test);
  const heard = join(folder, "heard");
  await writeFile(heard, "");
  const script = `#!/bin/sh\nfor word; do echo "$word"; done >>${heard}\n/bin/sleep 0.05\n`;
  await writeFile(join(folder, "systemd-notify"), script, { mode: 0o755 });
  const lines = async () => (await readFile(heard, "utf8")).split("\n").filter((line) => line !== "");
  const until = async (isSo: (heard: string[]) => boolean) => {
    for (const untilMs = performance.now() + 30_000; performance.now() < untilMs; await delay(20))
      if (isSo(await lines())) return;
    assert.fail(`heard only:\n${(await lines()).join("\n")}`);
  };
  return { variables: { NOTIFY_SOCKET: "/run/systemd/notify", PATH: folder }, lines, until };
}

const fail = (error: Error) => assert.fail(error);

describe("systemd", () => {
  it("hears that the start is over once cards are looked for, then the last of several sentences", async (t) => {
    const { variables, lines, until } = await listener(t);
    const supervisor = openSupervisor(variables, fail);
    supervisor.say("Waiting for\ncards.");
    await until((heard) => heard.length === 1);
    supervisor.progressed();
    supervisor.progressed();
    supervisor.say("one");
    supervisor.say("two");
    supervisor.stopping();
    await until((heard) => heard.includes("STOPPING=1"));
    assert.deepEqual(await lines(), ["STATUS=Waiting for cards.", "READY=1", "STATUS=two", "STOPPING=1"]);
  });

  it("is told that we live only as long as cards are looked for", async (t) => {
    const { variables, lines, until } = await listener(t);
    const supervisor = openSupervisor({ ...variables, WATCHDOG_USEC: "300000" }, fail);
    const beats = async () => (await lines()).filter((line) => line === "WATCHDOG=1").length;
    const scans = setInterval(supervisor.progressed, 50);
    await until((heard) => heard.filter((line) => line === "WATCHDOG=1").length >= 3);
    clearInterval(scans);
    // What was seen before may still be told, by a program that a busy machine takes its time to start.
    let [before, now] = [-1, await beats()];
    for (let tries = 0; tries < 10 && before !== now; tries++) {
      await delay(600);
      [before, now] = [now, await beats()];
    }
    assert.equal(now, before, "two beats' time went by without one");
    supervisor.stopping();
    await until((heard) => heard.includes("STOPPING=1"));
  });

  it("is left alone where it does not listen, and missed aloud where its program is missing", async () => {
    openSupervisor({ PATH: "/nowhere" }, fail).progressed();
    const { promise, resolve } = Promise.withResolvers<Error>();
    openSupervisor({ PATH: "/nowhere", NOTIFY_SOCKET: "/run/x" }, resolve).progressed();
    assert.match((await promise).message, /systemd-notify/);
  });
});
