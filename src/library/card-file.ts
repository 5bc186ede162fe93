import type { Stats } from "node:fs";
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync } from "node:fs";
import { codeOf, isDeviceGone } from "../domain/device-error.ts";
import { Failure } from "../domain/failure.ts";

/** A file on a card as the inventory saw it. */
export interface CardFileRequest {
  /** Absolute path of the volume's root. */
  readonly root: string;
  /** What it lay on when it was identified. */
  readonly medium?: string | undefined;
  /** Path below the root, as the bytes the filesystem gave. */
  readonly path: Uint8Array;
  /** The same for people. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export interface OpenCardFile {
  /** Reads at a position; 0 at the end. May bring less than was asked for: in front of a bad spot a read comes back short. */
  read(buffer: Uint8Array, positionBytes: number): number;
  /** Throws `file-changed` unless the file still is what the inventory saw. */
  check(): void;
}

/**
 * Opens a file on a card, lets it be read and closes it. Refuses whatever is not a regular file without waiting for it (a FIFO
 * would block for ever). Throws `file-refused`, `file-changed`, `file-unreadable`, `card-removed`.
 */
export function withCardFile<T>(request: CardFileRequest, use: (file: OpenCardFile) => T): T {
  const path = Buffer.concat([Buffer.from(`${request.root}/`), request.path]);
  const onCard = <R>(act: () => R): R => onCardFile(request, act);
  const fd = onCard(() => openRegularFile(path, request.name));
  const check = () => {
    const stats = onCard(() => fstatSync(fd));
    if (!stats.isFile()) throw refused(stats, request.name);
    if (stats.size !== request.sizeBytes || Math.floor(stats.mtimeMs) !== request.modifiedMs)
      throw new Failure("file-changed", `${request.name} changed since the card was listed.`);
  };
  try {
    check();
    return use({
      check,
      read: (buffer, position) => onCard(() => readSync(fd, buffer, 0, buffer.length, position)),
    });
  } finally {
    closeQuietly(fd);
  }
}

/** Does something with a card file; errors of the system come out as `file-*` or `card-removed`. */
export function onCardFile<R>(request: CardFileRequest, act: () => R): R {
  try {
    return act();
  } catch (error) {
    throw cardFailure(error, request);
  }
}

/** A pulled card fails a close, too. Of a file that was only read, that tells nothing the reads have not told. */
function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch (error) {
    if (codeOf(error) === "EBADF") throw error;
  }
}

function openRegularFile(path: Buffer, name: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    // A symlink gives ELOOP, a socket ENXIO as if the device were gone: what it is decides, not how open failed.
    const stats = lstatSync(path, { throwIfNoEntry: false });
    throw stats === undefined || stats.isFile() ? error : refused(stats, name, error);
  }
}

function refused(stats: Stats, name: string, cause?: unknown): Failure {
  const what = stats.isSymbolicLink()
    ? "a symbolic link"
    : stats.isDirectory()
      ? "a folder"
      : "a device or pipe";
  return new Failure("file-refused", `${name} is ${what}, not a file.`, { cause });
}

function cardFailure(error: unknown, { root, name }: CardFileRequest): unknown {
  const code = codeOf(error);
  if (code === null || /^(EMFILE|ENFILE|ENOMEM|EBADF)$/.test(code)) return error;
  if (isDeviceGone(error) || (code === "ENOENT" && isEmpty(root)))
    return new Failure("card-removed", `The card was gone when ${name} was read.`, { cause: error });
  if (code === "ENOENT" || code === "ENOTDIR")
    return new Failure("file-changed", `${name} is no longer where the card had it.`, { cause: error });
  return new Failure("file-unreadable", `${name} could not be read from the card (${code}).`, {
    cause: error,
  });
}

/** A pulled FAT card lists nothing and knows no name, without an error. */
function isEmpty(root: string): boolean {
  try {
    return readdirSync(root).length === 0;
  } catch {
    return true;
  }
}
