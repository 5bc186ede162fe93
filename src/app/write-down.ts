import { formatInWords, removalInWords } from "../domain/safety.ts";
import type { Report } from "../ingest/report.ts";
import type { Logger } from "./log.ts";

/** Writes into the log what the story tells of one card: a line a session at info, a line a file at debug. */
export function writingDown(log: Logger): Report {
  return (told) => {
    switch (told.kind) {
      case "settled":
        for (const outcome of told.outcomes)
          log.debug({ state: outcome.to, bytes: outcome.file.sizeBytes }, "file settled");
        break;
      case "published":
        if (told.isComplete) log.info({ session: told.session.name, tiles: told.tiles }, "gallery complete");
        else log.debug({ session: told.session.name, tiles: told.tiles }, "gallery grew");
        break;
      case "zipping":
        log.info({ session: told.session.name, zips: told.zips, bytes: told.bytes }, "zips are being made");
        break;
      case "zips-put-off":
        log.warn(
          { session: told.session.name, bytes: told.bytes },
          "no zips are made: the disk of the library has no room for them",
        );
        break;
      case "session":
        log.info({ session: told.session.name }, "session opened");
        break;
      case "listed":
        log.info({ files: told.files, fresh: told.fresh.length }, "card listed");
        break;
      case "offloaded":
        log.info({ removal: told.removal }, removalInWords(told.removal));
        break;
      case "certified":
        if (told.uncopied !== null) log.warn({ code: told.uncopied.code }, told.uncopied.message);
        if (told.format !== null)
          log.info({ doubts: told.format.map(({ doubt }) => doubt) }, formatInWords(told.format));
        break;
      case "originals":
        if (told.uploaded === told.total) log.info({ originals: told.total }, "originals in the bucket");
        break;
      case "sampled":
      case "read-again":
      case "delivering":
      case "rendered":
      case "uploaded":
        break;
    }
  };
}
