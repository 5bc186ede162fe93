import { Failure } from "../domain/failure.ts";
import type { CardFileRequest } from "./card-file.ts";
import { onCardFile, withCardFile } from "./card-file.ts";
import type { ColdHash } from "./cold-hash.ts";
import { readCold } from "./cold-hash.ts";

/** Reads a card file once more, past the page cache where the filesystem allows it. Throws as `withCardFile` does. */
export default function readAgain(request: CardFileRequest): ColdHash {
  return withCardFile(request, (file) => {
    const path = Buffer.concat([Buffer.from(`${request.root}/`), request.path]);
    const found = onCardFile(request, () => readCold(path));
    file.check();
    if (found === null)
      throw new Failure(
        "file-unreadable",
        `The card gave only a part of ${request.name} when it was read again.`,
      );
    return found;
  });
}
