import { diskTrouble } from "../domain/device-error.ts";
import { Failure } from "../domain/failure.ts";
import { doingInWords } from "./doing-words.ts";

/** What an error of the filesystem means for us; anything unexpected is returned as it is: a bug. */
export function translateDiskError(error: unknown, doing: string): unknown {
  const trouble = error instanceof Failure ? null : diskTrouble(error);
  return trouble === null
    ? error
    : new Failure(trouble.code, `${doingInWords(doing)}: ${trouble.words}.`, { cause: error });
}
