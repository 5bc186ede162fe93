import { Failure } from "../domain/failure.ts";
import type { ContentHash } from "../domain/hash.ts";
import { sessionFolder } from "../domain/layout.ts";
import type { ManifestLine } from "../domain/manifest.ts";
import type { Session, SessionId } from "../domain/session.ts";
import type { Original, SecondCopies } from "./ports.ts";
import { runStep } from "./step.ts";

/** Which disk it is that copies go to. */
interface SecondDisk {
  readonly id: string;
  /** Whether a copy there is a second one: proved, and on another disk than the library's, since two on one die together. */
  readonly counts: boolean;
}

export interface SecondPorts {
  readonly disk: {
    readonly folder: string;
    identify(expected: string | null): Promise<SecondDisk>;
    keep(original: Original, signal: AbortSignal): Promise<string>;
    sync(paths: readonly string[]): Promise<void>;
    holds(path: string, sizeBytes: number): Promise<boolean>;
    writeManifest(folder: string, lines: readonly ManifestLine[]): Promise<void>;
    copyRecord(folder: string): Promise<void>;
  };
  readonly catalog: {
    secondDisk(folder: string): string | null;
    meetSecondDisk(folder: string, id: string): void;
    uncopiedSessions(disk: string): readonly SessionId[];
    uncopied(session: SessionId, disk: string, limit: number): readonly Original[];
    settleSecond(disk: string, batch: readonly { readonly hash: ContentHash; readonly path: string }[]): void;
    secondManifest(session: Session, disk: string): readonly ManifestLine[];
    secondCopy(disk: string, hash: ContentHash): string | null;
    sessionNamed(id: SessionId): Session | null;
    allSessions(): readonly Session[];
  };
  /** Hears when copying has to wait, and why; `null` when it goes on. */
  readonly onWait: (failure: Failure | null) => void;
}

/** Looked at again so often which session is the newest: its card may be waiting for the verdict. */
const PAGE = 64;
/** One file at a time: a second disk is mostly a USB disk, which two readers and writers only make seek. */
const AT_ONCE = 1;
/** A disk that failed is not asked again at every file that is kept. */
const REST_MS = 30_000;

/**
 * Keeps a second disk equal to the library, session by session, the newest first. What is left to do is asked of the
 * catalog, so it goes on by itself at the next start. A disk that is missing, full or failing stops only this.
 */
export function openSecondCopies({ disk, catalog, onWait }: SecondPorts): SecondCopies {
  const closing = new AbortController();
  /** Originals the library itself can no longer read: left out until the next start. */
  const damaged = new Map<ContentHash, Failure>();
  let now: SecondDisk | null = null;
  /** Sessions whose last record is there. */
  const recorded = new Set<SessionId>();
  let running: Promise<Failure | null> | null = null;
  let isRung = false;
  /** Resolves when the next page is copied. */
  let page = Promise.withResolvers<"page">();
  let failed: { readonly failure: Failure; readonly atMs: number } | null = null;

  return {
    ring() {
      isRung = true;
      if (failed === null || performance.now() - failed.atMs > REST_MS) void begin();
    },
    async copied(wanted, signal) {
      signal.throwIfAborted();
      const ended = begin();
      let done = 0;
      const isDone = () => {
        if (wanted === "all" || now === null) return false;
        while (done < wanted.length && isCopiedOrDamaged(wanted[done], now.id)) done++;
        return done === wanted.length;
      };
      while (!isDone()) {
        const news = await orAborted(Promise.race([ended, page.promise]), signal);
        if (news === "page") continue;
        if (news !== null) return news;
        break;
      }
      const lost = wanted === "all" ? [...damaged.keys()] : wanted;
      return lost.flatMap((hash) => damaged.get(hash) ?? [])[0] ?? null;
    },
    async holds({ hash, sizeBytes }) {
      if (now?.counts !== true) return false;
      const path = catalog.secondCopy(now.id, hash);
      return path !== null && (await disk.holds(path, sizeBytes));
    },
    async find({ hash, sizeBytes }) {
      now ??= await meet();
      const path = catalog.secondCopy(now.id, hash);
      return path !== null && (await disk.holds(path, sizeBytes)) ? `${disk.folder}/${path}` : null;
    },
    async close() {
      closing.abort(new Failure("interrupted", "Copying to the second disk was stopped."));
      await running;
    },
  };

  function isCopiedOrDamaged(hash: ContentHash | undefined, id: string): boolean {
    return hash === undefined || damaged.has(hash) || catalog.secondCopy(id, hash) !== null;
  }

  function begin(): Promise<Failure | null> {
    running ??= passes().finally(() => {
      running = null;
    });
    return running;
  }

  /** One pass after the other while more comes; ends with what stopped it. */
  async function passes(): Promise<Failure | null> {
    try {
      do {
        isRung = false;
        await pass();
      } while (isRung);
      if (failed !== null) onWait(null);
      failed = null;
      return null;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (failed?.failure.code !== error.code && error.code !== "interrupted") onWait(error);
      failed = { failure: error, atMs: performance.now() };
      now = null;
      recorded.clear();
      return error;
    }
  }

  async function meet(): Promise<SecondDisk> {
    const found = await disk.identify(catalog.secondDisk(disk.folder));
    if (now?.id !== found.id) catalog.meetSecondDisk(disk.folder, found.id);
    return found;
  }

  async function pass(): Promise<void> {
    now = await meet();
    for (;;) {
      closing.signal.throwIfAborted();
      const next = nextPage(now.id);
      if (next === null) break;
      recorded.delete(next.session.id);
      await copyPage(next.session, next.originals, now.id);
      page.resolve("page");
      page = Promise.withResolvers();
    }
    for (const session of catalog.allSessions()) {
      if (recorded.has(session.id)) continue;
      closing.signal.throwIfAborted();
      await disk.copyRecord(sessionFolder(session));
      // The last record is written before a session is called offloaded.
      if (session.isOffloaded) recorded.add(session.id);
    }
  }

  function nextPage(id: string) {
    for (const sessionId of catalog.uncopiedSessions(id)) {
      const originals = catalog
        .uncopied(sessionId, id, PAGE + damaged.size)
        .filter(({ hash }) => !damaged.has(hash));
      const session = catalog.sessionNamed(sessionId);
      if (originals.length > 0 && session !== null) return { session, originals };
    }
    return null;
  }

  async function copyPage(session: Session, originals: readonly Original[], id: string): Promise<void> {
    await runStep<Original, Original | null>({
      from: originals,
      concurrency: AT_ONCE,
      bytesOf: (copy) => copy?.sizeBytes ?? 0,
      run: async (original) => {
        try {
          return { ...original, path: await disk.keep(original, closing.signal) };
        } catch (error) {
          if (!Failure.is(error, "file")) throw error;
          damaged.set(original.hash, error);
          onWait(error);
          return null;
        }
      },
      commit: async (batch) => {
        const copies = batch.filter((copy) => copy !== null);
        if (copies.length === 0) return;
        await disk.sync(copies.map(({ path }) => path));
        // Before the rows: a list that lacks what the catalog has would never be written again.
        const before = catalog.secondManifest(session, id);
        await disk.writeManifest(sessionFolder(session), withCopies(before, copies, sessionFolder(session)));
        catalog.settleSecond(id, copies);
      },
    });
  }
}

function withCopies(
  before: readonly ManifestLine[],
  copies: readonly Original[],
  folder: string,
): ManifestLine[] {
  const lines = new Map(before.map((line) => [line.path, line]));
  for (const { hash, path } of copies) {
    // A content that was kept again by a later session can still lie in the folder of an earlier one.
    if (!path.startsWith(`${folder}/`)) continue;
    const inFolder = path.slice(folder.length + 1);
    lines.set(inFolder, { hash, path: inFolder });
  }
  return [...lines.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
