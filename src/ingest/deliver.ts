import { setTimeout as delay } from "node:timers/promises";
import { captureFromFile } from "../domain/capture.ts";
import { Failure } from "../domain/failure.ts";
import { keys } from "../domain/layout.ts";
import { isShown } from "../domain/media.ts";
import type { NewObject } from "../domain/object.ts";
import { CACHE_FOREVER } from "../domain/object.ts";
import type { Derived } from "../domain/rendition.ts";
import type { Session } from "../domain/session.ts";
import type { Doorbell } from "../flow/doorbell.ts";
import { doorbell } from "../flow/doorbell.ts";
import { backlog } from "./backlog.ts";
import { isInStore } from "./in-store.ts";
import { join } from "./join.ts";
import type { KeptFile, Ports, Rendered } from "./ports.ts";
import { publish } from "./publish.ts";
import { putChanged } from "./put-changed.ts";
import { isRevocation, refuseRevoked } from "./refuse-revoked.ts";
import type { Report } from "./report.ts";
import { runStep } from "./step.ts";

export interface DeliverOptions {
  /** Pictures rendered at once. */
  readonly renderers: number;
  /** Files uploaded at once. */
  readonly uploads: number;
  readonly title: string;
}

/** What the offload of the same session tells while both run. */
export interface Feed {
  /** Rings when files have been kept, and when no more will come. */
  readonly bell: Doorbell;
  /** No more files will be kept for now. */
  isOver(): boolean;
  /** Everything on the card is kept or named as failed, so that the gallery can say that it is complete. */
  isWhole(): boolean;
}

/** A page of pictures arrives on a phone in about this time; more often, the index would be put more than the pictures. */
const PUBLISH_EVERY_MS = 2000;
/** A large gallery, or a slow uplink, takes longer to publish: it may have a tenth of the time, the pictures the rest. */
const PAUSES_A_PUBLISH = 9;

/**
 * Brings a session's kept files to guests: renders, uploads and publishes while more come, each step fed by the catalog.
 * Pictures go on being rendered when the store cannot be reached. On return the gallery shows all that is kept.
 */
export async function deliver(
  session: Session,
  feed: Feed,
  options: DeliverOptions,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  ports.catalog.beginDelivery(session.id);
  report({ kind: "delivering", session });
  const toUpload = doorbell();
  const toPublish = doorbell();
  let isRendered = false;
  const uploaded = new AbortController();
  const stop = new AbortController();
  const ends = AbortSignal.any([signal, stop.signal]);

  const rendering = renderAll(session, feed, options, ports, report, signal, toUpload).finally(() => {
    isRendered = true;
    toUpload.ring();
  });
  // Needs the store, which rendering must not wait for.
  const joined = join(session, ports, ends);
  const uploading = joined
    .then((one) => uploadAll(one, toUpload, () => isRendered, options, ports, report, ends, toPublish))
    .finally(() => {
      uploaded.abort();
    });
  const publishing = joined.then((one) =>
    publishAll(one, toPublish, uploaded.signal, options, ports, report, ends),
  );
  // The network's failure stops uploads and galleries, never the rendering of what is already here.
  for (const network of [uploading, publishing])
    network.catch((error: unknown) => {
      // The store itself sees to what was on its way to a revoked gallery: broken off here, it might come there later.
      if (!isRevocation(error)) stop.abort(error);
    });

  const outcomes = await Promise.allSettled([rendering, uploading, publishing]);
  const reasons = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  // When another station has revoked the gallery, publishing finds that out, and uploads only that they are refused.
  if (reasons.length > 0) throw reasons.find((reason) => !isRevocation(reason)) ?? reasons[0];
  const isComplete = feed.isWhole();
  const whole = await joined;
  const last = await publish(whole, isComplete ? "complete" : "uploading", options.title, ports, signal);
  if (last !== null) report({ kind: "published", session: whole, ...last, isComplete });
}

async function renderAll(
  session: Session,
  feed: Feed,
  { renderers }: DeliverOptions,
  { catalog, pictures }: Ports,
  report: Report,
  signal: AbortSignal,
  done: Doorbell,
): Promise<void> {
  const work = backlog(
    (limit) => catalog.stored(session.id, limit),
    (file: KeptFile) => file.id,
    feed.bell,
    feed.isOver,
  );
  await runStep({
    from: work.items(signal),
    concurrency: renderers,
    run: async (file) => (isShown(file.media.kind) ? pictures.derive(file, signal) : withoutPicture(file)),
    commit: (batch: readonly Rendered[]) => {
      catalog.markRendered(batch);
      work.settle(batch.map(({ file }) => file));
      report({ kind: "rendered", files: batch.length });
      done.ring();
    },
  });
}

/** A sidecar, a sound, anything unknown: kept, and nothing to be seen of it. */
function withoutPicture(file: KeptFile): Rendered {
  const derived = { renditions: [], color: null, note: null };
  return { file, derived, capture: captureFromFile(file.modifiedMs) };
}

async function uploadAll(
  session: Session,
  bell: Doorbell,
  isOver: () => boolean,
  { uploads }: DeliverOptions,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
  done: Doorbell,
): Promise<void> {
  const { catalog } = ports;
  const work = backlog(
    (limit) => catalog.rendered(session.id, limit),
    ({ file }: Rendered) => file.id,
    bell,
    isOver,
  );
  await runStep({
    from: work.items(signal),
    concurrency: uploads,
    run: async (rendered) => ({ rendered, put: await upload(session, rendered, ports, signal) }),
    commit: (batch) => {
      refuseRevoked(session, ports);
      const put = batch.flatMap((outcome) => outcome.put);
      catalog.recordObjects(put);
      catalog.markUploaded(batch.map(({ rendered }) => rendered.file.id));
      work.settle(batch.map(({ rendered }) => rendered));
      const bytes = put.reduce((sum, object) => sum + object.sizeBytes, 0);
      report({ kind: "uploaded", files: batch.length, objects: put.length, bytes });
      // Of ten thousand sidecars nothing is to be seen.
      if (batch.some(({ rendered }) => isShown(rendered.file.media.kind))) done.ring();
    },
  });
}

/** Puts the renditions of one original; those the store has already are left out. Returns what was put. */
async function upload(
  session: Session,
  rendered: Rendered,
  ports: Ports,
  signal: AbortSignal,
): Promise<NewObject[]> {
  const { pictures, catalog } = ports;
  const { file, derived } = rendered;
  const makeAgain = async (): Promise<Derived> => {
    const made = await pictures.derive(file, signal);
    catalog.renderedAgain(made);
    return made.derived;
  };
  // Renditions are a cache: somebody may have cleaned it between two runs, or a bad disk changed what is in it.
  const isThere = await pictures.hasRenditions(file.hash, derived.renditions);
  try {
    return await putRenditions(session, file, isThere ? derived : await makeAgain(), ports, signal);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "remote-corrupt") throw error;
    return putRenditions(session, file, await makeAgain(), ports, signal);
  }
}

async function putRenditions(
  session: Session,
  file: KeptFile,
  derived: Derived,
  ports: Ports,
  signal: AbortSignal,
): Promise<NewObject[]> {
  const { pictures, store } = ports;
  const objects = derived.renditions.map(({ preset, sizeBytes, sha256 }) => ({
    key: keys.rendition(session.slug, file.hash, preset),
    body: { file: pictures.renditionFile(file.hash, preset) },
    sizeBytes,
    sha256,
    contentType: "image/jpeg",
    cacheControl: CACHE_FOREVER,
  }));
  const put: NewObject[] = [];
  for (const object of objects) {
    if (await isInStore(session, object, ports, signal)) continue;
    await store.put(object, signal);
    put.push(object);
  }
  return put;
}

/** Publishes whenever there is more, at most every two seconds and a tenth of the time, until the last upload is done. */
async function publishAll(
  session: Session,
  bell: Doorbell,
  uploaded: AbortSignal,
  { title }: DeliverOptions,
  ports: Ports,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const ends = AbortSignal.any([signal, uploaded]);
  // While the first picture is made, which would wait for it afterwards.
  const ahead = putChanged(session, ports.galleries.assets, ports, signal);
  ahead.catch(() => undefined);
  // Its gallery is in the store, most likely complete: guests must not see it shrink and grow again.
  const isThere = ports.catalog.isRebuilt(session.id);
  while (!ends.aborted) {
    await bell.wait(ends).catch(() => undefined);
    if (ends.aborted) break;
    if (isThere) continue;
    await ahead;
    const startedMs = performance.now();
    const published = await publish(session, "uploading", title, ports, signal);
    if (published !== null) report({ kind: "published", session, ...published, isComplete: false });
    const pauseMs = Math.max(PUBLISH_EVERY_MS, (performance.now() - startedMs) * PAUSES_A_PUBLISH);
    await delay(pauseMs, undefined, { signal: ends }).catch(() => undefined);
  }
  await ahead;
  signal.throwIfAborted();
}
