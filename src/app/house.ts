import { getCompileCacheDir } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { openCards } from "../card/inventory.ts";
import type { watchCards } from "../card/watcher.ts";
import { lastBackUpMs } from "../catalog/backup.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { openCatalog } from "../catalog/catalog.ts";
import { lockLibrary } from "../catalog/lock.ts";
import type { Settings } from "../config/slices.ts";
import { Failure } from "../domain/failure.ts";
import type { NewObject } from "../domain/object.ts";
import { makeDirectory } from "../flow/durable.ts";
import { openGalleries } from "../gallery/galleries.ts";
import { ZIP_BYTES } from "../gallery/zip-parts.ts";
import { openPictures } from "../imaging/pictures.ts";
import type { IngestOptions } from "../ingest/ingest-card.ts";
import type { Ports } from "../ingest/ports.ts";
import type { VerifyPorts } from "../ingest/verify.ts";
import { openLibrary } from "../library/library.ts";
import { hasSessions } from "../library/survey.ts";
import { openUpkeep } from "../library/upkeep.ts";
import type { ObjectStore } from "../remote/object-store.ts";
import { revocableStore } from "../remote/revocable-store.ts";
import type { Web } from "../web/server.ts";
import { openWorkers } from "../workers/pool.ts";
import type { Announcer } from "./announce.ts";
import { openAnnouncer } from "./announce.ts";
import { openCardWorkers, patienceFor } from "./card-workers.ts";
import { assertOriginals } from "./library-there.ts";
import { openSecond } from "./second.ts";
import { secondPlaces } from "./second-places.ts";
import { hasAddress, openStore, storeName } from "./store.ts";
import { openTexts, tellingCatalog } from "./texts.ts";

export interface HouseOptions {
  /** Whether galleries of a library without a bucket open from here while the house is open. */
  readonly isServing: boolean;
  /** Hears of what went wrong beside the work, which goes on: a guest's request, a command of the user. */
  readonly onSlip: (what: string, error: unknown) => void;
  /** Hears what people should know of the second disk; the failure when it waits. */
  readonly onSecond?: (sentence: string, failure: Failure | null) => void;
  /** Hears what became of messages to people; without it, only of those that could not be sent. */
  readonly onText?: Parameters<typeof openTexts>[3];
  /** Hears that the card below a folder has not responded for a while, and when it does again. */
  readonly onSilence?: (root: string, isSilent: boolean) => void;
}

/** All rooms, connected. */
export interface House {
  readonly ports: Ports;
  readonly options: IngestOptions;
  /** Says in a sentence why nothing can be put into the store now, or returns. */
  readonly checkStore: ObjectStore["check"];
  /** Takes back what puts that never came to their end have left in the store. */
  readonly sweepStore: ObjectStore["sweep"];
  /** What was put into the store since the house was opened. */
  readonly traffic: { readonly puts: number; readonly bytes: number };
  readonly announcer: Announcer;
  /** What looking after kept originals needs. */
  readonly care: VerifyPorts;
  readonly catalog: Catalog;
  /** Copies the catalog into the library's folder `backups`; returns the path. */
  backUp(): Promise<string>;
  /** When the newest of these copies was made, by the clock of that time; `null` when none can be seen. */
  lastBackUpMs(): number | null;
  /** Looks at a volume where a hung one harms nobody: what the watcher needs. */
  readonly peek: Parameters<typeof watchCards>[0]["peek"];
  /** `null` when galleries are not served from here. */
  readonly web: Web | null;
  /** Whether links lead somewhere, now or once the daemon serves what they lead to. */
  readonly hasAddress: boolean;
  /** Ends what is under way and closes the rooms in reverse. */
  close(): Promise<void>;
}

/**
 * The whole environment of worker processes: no credentials. glibc keeps an arena a thread and gives little back; two hold
 * a render child at about half the memory (measured; sharp issue 955).
 */
const WORKER_ENVIRONMENT = {
  MALLOC_ARENA_MAX: "2",
  // Compiled code of earlier starts: a quarter of the time until the first picture's decoder is ready.
  NODE_COMPILE_CACHE: getCompileCacheDir() ?? "",
};

/** Against what native code leaks, in renders; a fresh process costs about 0.2 s. */
const RECYCLE_AFTER_RENDERS = 300;

const task = (path: string) => new URL(`../${path}`, import.meta.url);

/**
 * Opens every room for the one process that works on a library. Throws `catalog-*`, `disk-*`, `port-in-use`, `settings-invalid`.
 */
export async function openHouse(
  settings: Settings,
  { isServing, onSlip, onSecond = () => {}, onText = slipOf(onSlip), onSilence = () => {} }: HouseOptions,
): Promise<House> {
  const { library: place, pictures, store: bucket } = settings;
  const closing: (() => void | Promise<void>)[] = [];
  const close = async () => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    assertOriginals(place);
    // Their names too must survive a power cut, before anything in them is taken as kept.
    for (const folder of [place.baseDir, dirname(place.dbPath)]) await makeFolder(folder);
    closing.push(...lockPlace(place));
    const catalog = openCatalog(place.dbPath, storeName(settings));
    closing.push(() => catalog.close());
    catalog.leftOff();
    // With it, every card would be copied a second time.
    if (catalog.allSessions().length === 0 && (await hasSessions(place.baseDir)))
      throw new Failure("catalog-lost", `The catalog ${place.dbPath} is empty, but the library is not.`);
    const { store, web } = await openStore(
      settings,
      isServing ? { onBug: (error) => onSlip("A request failed", error) } : null,
      closing,
      catalog,
    );

    const env = WORKER_ENVIRONMENT;
    const cardWorkers = openCardWorkers({ threads: place.copyWorkers, env, onSilence });
    const diskWorkers = openWorkers({ threads: place.copyWorkers, env });
    const renderWorkers = openWorkers({
      threads: pictures.workers,
      env,
      recycleAfter: RECYCLE_AFTER_RENDERS,
    });
    closing.push(cardWorkers.close, diskWorkers.close, renderWorkers.close);

    const { copy, heads, reread, list, peek } = cardWorkers;
    // A card may well be in when a watch begins: its process starts while the other rooms open.
    if (isServing) peek.prepare();
    const hash: Parameters<typeof openLibrary>[0]["hash"] = diskWorkers.task(
      task("library/hash-task.ts"),
      Number.POSITIVE_INFINITY,
    );
    const library = openLibrary({ root: place.baseDir, copy, heads, reread, hash });
    await library.sweep();

    const { counted, traffic } = countPuts(revocableStore(store, catalog.isRevoked));
    const leadsSomewhere = web !== null || hasAddress(settings);
    const texts = openTexts(settings, catalog, counted, onText, leadsSomewhere);
    closing.push(texts.close);
    const announcer = openAnnouncer(settings, catalog, (error) => onSlip("GHOSTROLL_ON_EVENT failed", error));
    closing.push(announcer.settled);

    const second = await openSecond(settings, { catalog, env, patienceFor, onSecond }, closing);

    const telling = tellingCatalog(settings, catalog, texts.ring);
    const ports: Ports = {
      second,
      cards: openCards({ list }),
      library,
      catalog: telling,
      pictures: openPictures({
        root: place.baseDir,
        render: renderWorkers.task(task("imaging/task.ts"), pictures.timeoutMs),
        presets: [
          { name: "share", ...pictures.share },
          { name: "thumb", ...pictures.thumb },
        ],
        maxPixels: pictures.maxMegapixels * 1e6,
        preview: settings.gallery.hasPreview
          ? renderWorkers.task(task("imaging/preview-task.ts"), pictures.timeoutMs)
          : null,
      }),
      store: counted,
      galleries: openGalleries({
        templates: fileURLToPath(new URL("../../templates", import.meta.url)),
        zipBytes: settings.gallery.zips ? ZIP_BYTES : 0,
      }),
    };
    const options: IngestOptions = {
      rescan: settings.cards.rescan,
      readers: place.copyWorkers,
      reserveBytes: place.reserveBytes,
      verifySource: place.verifySource,
      releases: false,
      renderers: pictures.workers,
      uploads: bucket.uploadWorkers,
      originals: bucket.originals,
      title: settings.gallery.title,
      zipReserveBytes: bucket.bucket === null ? place.reserveBytes : null,
      sharing: settings.gallery.sharing,
    };
    const upkeep = openUpkeep({
      root: place.baseDir,
      copy: diskWorkers.task(task("library/task.ts"), patienceFor),
      hash,
    });
    const care: VerifyPorts = { catalog, library: upkeep, places: secondPlaces(second, store) };
    const backups = join(place.baseDir, "backups");
    return {
      ports,
      options,
      care,
      catalog: telling,
      backUp: async () => catalog.backUp(backups),
      lastBackUpMs: () => lastBackUpMs(backups),
      checkStore: store.check,
      sweepStore: store.sweep,
      traffic,
      announcer,
      peek,
      web,
      hasAddress: leadsSomewhere,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Makes this process the only one at work on a library, and on its catalog where that lies elsewhere. Returns the releases. */
export function lockPlace({ baseDir, dbPath }: Settings["library"]): (() => void)[] {
  const locks = [lockLibrary(join(baseDir, "ghostroll.lock"))];
  if (dirname(dbPath) === baseDir) return locks;
  try {
    return [...locks, lockLibrary(`${dbPath}.lock`)];
  } catch (error) {
    for (const release of locks) release();
    throw error;
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await makeDirectory(path);
  } catch (error) {
    throw new Failure("disk-unwritable", `The folder ${path} cannot be made.`, { cause: error });
  }
}

function slipOf(onSlip: HouseOptions["onSlip"]): NonNullable<HouseOptions["onText"]> {
  return ({ recipient, reason }) => {
    if (reason !== null) onSlip(`A message to ${recipient} was not sent`, reason);
  };
}

function countPuts(store: ObjectStore) {
  const traffic = { puts: 0, bytes: 0 };
  const count = ({ sizeBytes }: NewObject) => {
    traffic.puts++;
    traffic.bytes += sizeBytes;
  };
  const counted: Ports["store"] = {
    isOffsite: store.isOffsite,
    sign: store.sign,
    has: store.has,
    get: store.get,
    deletePrefix: store.deletePrefix,
    getTagged: store.getTagged,
    async replace(object, tag, signal) {
      const isPut = await store.replace(object, tag, signal);
      if (isPut) count(object);
      return isPut;
    },
    async put(object, signal) {
      await store.put(object, signal);
      count(object);
    },
  };
  return { counted, traffic };
}
