import { displayPath } from "../domain/card-path.ts";
import { isShown, mediaByName } from "../domain/media.ts";
import type { Ports } from "./ports.ts";
import type { Report } from "./report.ts";

/** The longest that other files wait for the first picture, in milliseconds: it should be seen by then. */
const LIMIT_MS = 2_000;

/**
 * The same ports and report, with which one file after the other is copied, and one picture after the other rendered, until guests
 * see the first picture of this card: side by side, several would be half done when one could be shown. It begins with the first
 * file of which something is to be seen, for which whoever renders is started, and costs the others two seconds at most.
 */
export function oneAtFirst(given: Ports, tell: Report, limitMs = LIMIT_MS): { ports: Ports; report: Report } {
  const { library, pictures } = given;
  const over = Promise.withResolvers<void>();
  let isOver = false;
  let timer: NodeJS.Timeout | null = null;
  const end = () => {
    isOver = true;
    if (timer !== null) clearTimeout(timer);
    over.resolve();
  };
  const begin = () => {
    timer ??= setTimeout(end, limitMs).unref();
  };
  const inTurn = () => {
    let last: Promise<unknown> = Promise.resolve();
    return async <Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> => {
      if (isOver) return work();
      const turn = last.then(async () => {
        signal.throwIfAborted();
        return work();
      });
      last = Promise.race([turn.catch(() => undefined), over.promise]);
      return turn;
    };
  };
  const [copying, rendering] = [inTurn(), inTurn()];

  return {
    ports: {
      ...given,
      library: {
        ...library,
        async copy(volume, file, signal) {
          const isSeen = isShown(mediaByName(displayPath(file.path)).kind);
          if (timer === null && !isSeen) return library.copy(volume, file, signal);
          if (timer === null) pictures.prepare();
          begin();
          return copying(async () => library.copy(volume, file, signal), signal);
        },
      },
      pictures: {
        ...pictures,
        async derive(file, signal) {
          begin();
          return rendering(async () => pictures.derive(file, signal), signal);
        },
      },
    },
    report(told) {
      if (told.kind === "published" || told.kind === "offloaded") end();
      tell(told);
    },
  };
}
