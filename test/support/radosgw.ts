import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { lacks } from "./needs.ts";
import type { S3Server } from "./s3-server.ts";
import { freePorts } from "./s3-server.ts";

/** A radosgw, which besides can be administered. */
export interface Radosgw extends S3Server {
  /** Runs `radosgw-admin` with these arguments; `null` for a server that is not ours to administer. */
  readonly administer: ((...args: string[]) => Promise<void>) | null;
}

/**
 * Starts a real radosgw on loopback in some four seconds, or takes the one GHOSTROLL_TEST_S3_ENDPOINT points to. Returns
 * null when the packages are missing; under CI that is an error. `env` is what the gateway alone sees besides.
 */
export async function startRadosgw(env: Readonly<Record<string, string>> = {}): Promise<Radosgw | null> {
  const given = process.env["GHOSTROLL_TEST_S3_ENDPOINT"];
  if (given)
    return {
      endpoint: given,
      accessKeyId: process.env["GHOSTROLL_TEST_S3_ACCESS_KEY"] ?? "",
      secretAccessKey: process.env["GHOSTROLL_TEST_S3_SECRET_KEY"] ?? "",
      administer: null,
      stop: async () => {},
    };
  if (lacks("radosgw") !== false) return null;
  return launch(env);
}

async function launch(own: Readonly<Record<string, string>>): Promise<Radosgw> {
  const under = Object.entries(own).map(([name, value]) => `${name}=${value}`);
  const [accessKeyId, secretAccessKey] = ["GHOSTROLLTESTKEY", "a-secret-that-no-message-may-ever-show"];
  const folder = await mkdtemp(join(tmpdir(), "ghostroll-"));
  const [gateway, monitor] = await freePorts(2);
  const child = spawn(
    "sh",
    [join(import.meta.dirname, "radosgw.sh"), join(folder, "c"), String(gateway), String(monitor)],
    {
      env: {
        ...process.env,
        S3_ACCESS_KEY: accessKeyId,
        S3_SECRET_KEY: secretAccessKey,
        RADOSGW_UNDER: under.length > 0 ? `env ${under.join(" ")}` : "",
      },
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  const ended = once(child, "exit");
  const stop = async () => {
    child.stdin.end();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const administer = async (...args: string[]) => {
    await promisify(execFile)("radosgw-admin", ["--conf", join(folder, "c/ceph.conf"), ...args]);
  };
  for await (const line of createInterface(child.stdout))
    if (line === "ready")
      return { endpoint: `http://127.0.0.1:${gateway}`, accessKeyId, secretAccessKey, administer, stop };
  // The folder stays: its logs say why.
  throw new Error(`radosgw did not start; see ${folder}/c/log`);
}
