import { codeOf, diskTrouble } from "../domain/device-error.ts";
import { Failure } from "../domain/failure.ts";

/**
 * An error of the library's own disk as the `Failure` it is, with a sentence naming the path. Anything that says nothing of
 * the disk comes back as it is.
 */
function diskFailure(error: unknown, path: string): unknown {
  const trouble = error instanceof Failure ? null : diskTrouble(error);
  if (trouble === null) return error;
  const sentence =
    trouble.code === "disk-full"
      ? `There is no room left to write ${path}.`
      : `The disk of the library refused ${path} (${codeOf(error)}).`;
  return new Failure(trouble.code, sentence, { cause: error });
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
