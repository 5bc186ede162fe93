import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { lacks } from "./needs.ts";
import type { S3Server } from "./s3-server.ts";
import { freePorts } from "./s3-server.ts";

/**
 * Starts a real OpenStack Swift with its S3 interface on loopback in some two seconds: a second opinion on what S3 is, from other
 * people in another language. Returns null when the packages are missing; under CI that is an error.
 */
export async function startSwift(): Promise<S3Server | null> {
  if (lacks("swift-proxy-server") !== false) return null;
  const [accessKeyId, secretAccessKey] = ["ghostroll:test", "a-secret-that-no-message-may-ever-show"];
  const folder = await mkdtemp(join(tmpdir(), "ghostroll-"));
  const ports = await freePorts(4);
  const child = spawn(
    "/usr/bin/python3",
    [join(import.meta.dirname, "swift-server.py"), join(folder, "swift"), ...ports.map(String)],
    {
      env: { PATH: process.env["PATH"] ?? "", S3_ACCESS_KEY: accessKeyId, S3_SECRET_KEY: secretAccessKey },
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  const ended = once(child, "exit");
  const stop = async () => {
    child.stdin.end();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  for await (const line of createInterface(child.stdout))
    if (line === "ready")
      return { endpoint: `http://127.0.0.1:${ports[0]}`, accessKeyId, secretAccessKey, stop };
  throw new Error(`Swift did not start; see ${folder}`);
}
