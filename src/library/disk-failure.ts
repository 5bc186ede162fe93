import { codeOf } from "../domain/device-error.ts";
import { Failure } from "../domain/failure.ts";

/** Linux's EDQUOT, for which libuv has no name: it arrives with the code `UNKNOWN`. */
const EDQUOT = -122;

/**
 * An error of the library's own disk as the `Failure` it is, with a sentence naming the path. Anything that is not a system
 * error is a bug and comes back as it is, as does what says something about this process (out of descriptors or memory).
 */
function diskFailure(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (error instanceof Failure || code === null || /^(EMFILE|ENFILE|ENOMEM|EINVAL|EBADF)$/.test(code))
    return error;
  if (code === "ENOSPC" || (error as NodeJS.ErrnoException).errno === EDQUOT)
    return new Failure("disk-full", `There is no room left to write ${path}.`, { cause: error });
  return new Failure("disk-unwritable", `The disk of the library refused ${path} (${code}).`, {
    cause: error,
  });
}

/** Does something on the library's disk; its errors come out as `disk-full` or `disk-unwritable`. */
export function onDisk<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw diskFailure(error, path);
  }
}

/** `onDisk` for what takes its time. */
export async function onDiskAsync<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw diskFailure(error, path);
  }
}
