import { createHash } from "node:crypto";
import { Failure } from "../domain/failure.ts";
import type { CardFileRequest } from "./card-file.ts";
import { withCardFile } from "./card-file.ts";

/** How much of a file its head hash covers: enough to hold the times a camera writes, read in one request. */
export const HEAD_BYTES = 64 * 1024;

/** SHA-256 of the first 64 KiB of a card file. Throws as `withCardFile` does. */
export default function headHash(request: CardFileRequest): string {
  return withCardFile(request, (file) => {
    const head = Buffer.allocUnsafe(Math.min(HEAD_BYTES, request.sizeBytes));
    let done = 0;
    while (done < head.length) {
      const count = file.read(head.subarray(done), done);
      if (count === 0) throw new Failure("file-unreadable", `The card gave only a part of ${request.name}.`);
      done += count;
    }
    return createHash("sha256").update(head).digest("hex");
  });
}
