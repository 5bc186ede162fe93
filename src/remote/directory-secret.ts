import type { KeyObject } from "node:crypto";
import { createSecretKey, randomBytes } from "node:crypto";
import { open, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Failure } from "../domain/failure.ts";
import { makeDirectory, moveWithoutOverwrite, syncDirectory } from "../flow/durable.ts";

/** As long as the output of the hash it is used with (RFC 2104 §3). */
const SECRET_BYTES = 32;

/**
 * The secret that signs links, made at first use: random, on disk, readable by this user only. Deleting the file ends every
 * link there is. Throws `settings-invalid` for a file that is not one.
 */
export async function openSecret(path: string): Promise<KeyObject> {
  const secret = (await readSecret(path)) ?? (await makeSecret(path));
  if (secret.length !== SECRET_BYTES)
    throw new Failure(
      "settings-invalid",
      `${path} does not hold the secret for gallery links. Delete it and a new one is made; links given so far end.`,
    );
  // With bytes, each of the twenty thousand signatures of a gallery would make a key of its own, at four times the cost.
  return createSecretKey(secret);
}

async function readSecret(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

async function makeSecret(path: string): Promise<Buffer> {
  await makeDirectory(dirname(path));
  const temporary = `${path}.${randomBytes(8).toString("hex")}.tmp`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(randomBytes(SECRET_BYTES));
      await file.sync();
    } finally {
      await file.close();
    }
    await moveWithoutOverwrite(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    // Another process was faster: its secret is as good.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  await syncDirectory(dirname(path));
  return readFile(path);
}
