import { createHash } from "node:crypto";
import { Failure } from "../domain/failure.ts";
import type { NewObject } from "../domain/object.ts";
import { CACHE_NEVER, linkTo } from "../domain/object.ts";
import { keepsConditions } from "../flow/conditions.ts";
import type { S3Connection, S3Options } from "./s3-client.ts";
import { connect } from "./s3-client.ts";
import { errorName, isDenied, isRefusedUnsaid } from "./s3-errors.ts";
import { prove } from "./s3-prove.ts";
import { sendWhole } from "./s3-put.ts";
import { readTagged, replaceObject } from "./s3-replace.ts";
import { openSigner } from "./s3-sign.ts";

export interface Probing {
  /** The same for the same library: what a killed probe left is taken back by the next one. */
  readonly name: string;
  /** Whether guests get signed links to what is in this bucket. */
  readonly withLinks: boolean;
  /** Whether pages in it open for guests without a signature, and at which address: `null` is the bucket's own. */
  readonly openPages: false | { readonly at: string | null };
  /** Whether originals are to go to it too. */
  readonly withOriginals: boolean;
  /** Whether several stations are to fill galleries in it, which takes conditional writes. */
  readonly withStations: boolean;
}

/** A right that delivering takes. */
export interface ProbedRight {
  readonly who: "the access key" | "the key that signs links" | "a guest without a signature";
  /** As policies call it. */
  readonly right: string;
  /** Which part of the bucket, with a slash at its end. */
  readonly folder: string;
  /** `untried` when finding out would leave something in the bucket. */
  readonly state: "allowed" | "missing" | "untried";
}

/** What a bucket lets us do. */
export interface Probed {
  readonly rights: readonly ProbedRight[];
  /** Whether it keeps to conditional writes; `null` when that was not asked, or a right for it is missing. */
  readonly isConditional: boolean | null;
}

/** What is only tried lies below it or `NO_GALLERY`; docs/iam/uploader.json allows to delete there. */
const FOLDER = ".doctor";
/** A right in the whole bucket: once is enough. */
const OF_THE_BUCKET = "s3:ListBucketMultipartUploads";
/** Nobody's upload: who may do what is asked hears that there is none, so nothing has to be begun. */
const NO_UPLOAD = "ghostroll-doctor";
const NOT_THERE: ReadonlySet<string> = new Set(["NoSuchUpload", "NoSuchKey", "NotFound"]);
/** Some stores look at the id of an upload before they look for it. */
const NO_SUCH_ID: ReadonlySet<string> = new Set([...NOT_THERE, "InvalidArgument"]);
const TRIAL = Buffer.from("`ghostroll doctor` wrote this and takes it back.");
/** A few bytes from a store that has just answered. */
const LINK_MS = 20_000;
/** Stands where the name of a gallery does, and has its 22 characters: what the policy for pages says of one holds for it. */
const NO_GALLERY = "ghostroll-doctor-probe";

/**
 * Tries each right that delivering takes. Leaves nothing in the bucket: what would stay is not tried, and after a kill one small
 * object stays until the next probe of that name. Throws `remote-*` and `clock-unset` for what makes every right moot:
 * unreachable, no bucket, a key nobody knows.
 */
export async function probeRights(
  options: S3Options,
  { name, withLinks, openPages, withOriginals, withStations }: Probing,
  signal: AbortSignal,
): Promise<Probed> {
  const s3 = await connect(options);
  try {
    const { base, sign } = await openSigner(s3, options);
    const galleries = `g/${FOLDER}/${name}`;
    const signed: Guest = {
      who: "the key that signs links",
      link: async () => linkTo(await sign([galleries]), galleries, 0),
    };
    const rights = await probeFolder(s3, options, galleries, withLinks ? signed : null, signal);
    const isTryable = withStations && rights.every(({ state }) => state === "allowed");
    const isConditional = isTryable ? await probeConditions(s3, options, galleries, signal) : null;
    const ofShared = `stations/${FOLDER}/${name}`;
    rights.push(await probeList(s3, options, [galleries, ofShared], signal));
    if (withOriginals) {
      const ofOriginals = await probeFolder(s3, options, `originals/${FOLDER}/${name}`, null, signal);
      rights.push(...ofOriginals.filter(({ right }) => right !== OF_THE_BUCKET));
    }
    if (openPages !== false) {
      const page = `g/${NO_GALLERY}/m/${name}`;
      const link = async () => `${(openPages.at ?? base).replace(/\/$/, "")}/${page}`;
      const guest: Guest = { who: UNSIGNED, link };
      const ofPage = await probeFolder(s3, options, page, guest, signal);
      rights.push(...ofPage.filter(({ who }) => who === guest.who));
    }
    return { rights, isConditional };
  } finally {
    s3.client.destroy();
  }
}

const UNSIGNED = "a guest without a signature";

/** Somebody who opens a link, whom the store may know by it or not. */
interface Guest {
  readonly who: ProbedRight["who"];
  readonly link: () => Promise<string>;
}

async function probeFolder(
  s3: S3Connection,
  options: S3Options,
  key: string,
  guest: Guest | null,
  signal: AbortSignal,
): Promise<ProbedRight[]> {
  const { client, bucket, ask } = s3;
  const target = targetOf(options, key);
  const noUpload = { ...target, UploadId: NO_UPLOAD };
  const folder = target.Key.split("/").slice(0, -2).join("/").concat("/");
  const rights: ProbedRight[] = [];
  const note = (right: string, isAllowed: boolean | null, who: ProbedRight["who"] = "the access key") => {
    const state = isAllowed === null ? "untried" : isAllowed ? "allowed" : "missing";
    rights.push({ who, right, folder, state });
  };
  const may = async (send: Parameters<typeof ask<unknown>>[2], ending = signal, missing = NOT_THERE) =>
    ask(`try what the key may do in the bucket "${bucket}"`, ending, send).then(
      () => true,
      (error: unknown) => isAnswered(error, missing),
    );

  type Ending = { readonly abortSignal: AbortSignal };
  const begin = async (to: Ending, look: (upload: typeof noUpload) => Promise<unknown>) => {
    const { UploadId = "" } = await client.createMultipartUpload(target, to);
    const upload = { ...target, UploadId };
    try {
      await look(upload);
    } finally {
      await client.abortMultipartUpload(upload);
    }
  };

  // Both also take back what a killed probe has left.
  const canDelete = await may(async (to) => client.deleteObject(target, to));
  const canAbort = await may(async (to) => client.abortMultipartUpload(noUpload, to), signal, NO_SUCH_ID);
  note("s3:AbortMultipartUpload", canAbort);
  const listAndTakeBack = async (to: Ending) => {
    const { Uploads = [] } = await client.listMultipartUploads({ Bucket: bucket, Prefix: target.Key }, to);
    for (const { UploadId } of canAbort ? Uploads : [])
      await client.abortMultipartUpload({ ...target, UploadId }, to);
  };
  note(OF_THE_BUCKET, await may(listAndTakeBack));
  const put = async (to: Ending) => sendWhole(s3, target.Key, trialCalled(key), TRIAL, to);
  const canPut =
    canDelete || canAbort ? await may(canDelete ? put : async (to) => begin(to, async () => {})) : null;
  note("s3:PutObject", canPut);
  // Not with an upload nobody began: radosgw refuses to say whether there is one.
  const parts = async (to: Ending) => begin(to, async (upload) => client.listParts(upload, to));
  note("s3:ListMultipartUploadParts", canPut && canAbort ? await may(parts) : null);
  if (!canPut || !canDelete) {
    note("s3:GetObject", null);
    if (guest !== null) note("s3:GetObject", null, guest.who);
    return rights;
  }
  try {
    const proved = prove(s3, target.Key, trialCalled(key), {}, signal);
    note(
      "s3:GetObject",
      await proved.then(
        () => true,
        (error: unknown) => isAnswered(error),
      ),
    );
    if (guest !== null) note("s3:GetObject", await doesOpen(s3, guest, signal), guest.who);
  } finally {
    await may(async (to) => client.deleteObject(target, to), new AbortController().signal);
  }
  return rights;
}

/** What is put to find out: as any object is. */
function trialCalled(key: string): NewObject {
  const sha256 = createHash("sha256").update(TRIAL).digest("hex");
  const body = { body: { bytes: TRIAL }, sizeBytes: TRIAL.length, sha256 };
  return { key, ...body, contentType: "text/plain; charset=utf-8", cacheControl: CACHE_NEVER };
}

/** Whether an object is replaced under the right conditions only. */
async function probeConditions(
  s3: S3Connection,
  options: S3Options,
  key: string,
  signal: AbortSignal,
): Promise<boolean> {
  const doing = `try conditional writes in the bucket "${s3.bucket}"`;
  const target = targetOf(options, key);
  const trial = trialCalled(key);
  try {
    await s3.ask(doing, signal, async (to) => sendWhole(s3, target.Key, trial, TRIAL, to));
    const there = await readTagged(s3, target.Key, doing, signal);
    const replace = async (tag: string | null) => replaceObject(s3, target.Key, trial, tag, signal);
    return await keepsConditions(there?.tag ?? "", replace);
  } catch (error) {
    if (error instanceof Failure && error.code === "remote-unconditional") return false;
    throw error;
  } finally {
    await s3.ask(doing, new AbortController().signal, async (to) => s3.client.deleteObject(target, to));
  }
}

function targetOf({ bucket, prefix }: S3Options, key: string) {
  return { Bucket: bucket, Key: prefix === "" ? key : `${prefix}/${key}` };
}

/** Only for taking galleries down: below each of these keys. Deleting them cannot be tried without one. */
async function probeList(
  { client, bucket, ask }: S3Connection,
  { prefix }: S3Options,
  below: readonly string[],
  signal: AbortSignal,
): Promise<ProbedRight> {
  const root = prefix === "" ? "" : `${prefix}/`;
  let isAllowed = true;
  for (const key of below) {
    const request = { Bucket: bucket, Prefix: root + key, MaxKeys: 1 };
    const list = async (to: { abortSignal: AbortSignal }) => client.listObjectsV2(request, to);
    isAllowed &&= await ask(`list galleries in the bucket "${bucket}"`, signal, list).then(
      () => true,
      isAnswered,
    );
  }
  return {
    who: "the access key",
    right: "s3:ListBucket",
    folder: `${root}g/`,
    state: isAllowed ? "allowed" : "missing",
  };
}

/** Whether an error means that the key may do it. Throws what says something else than yes or no. */
function isAnswered(error: unknown, missing = NOT_THERE): boolean {
  if (isDenied(error) || isRefusedUnsaid(error)) return false;
  if (missing.has(errorName(error))) return true;
  throw error;
}

/** Opens a link as a guest would. Throws what says that the key it is signed with is no key. */
async function doesOpen({ ask }: S3Connection, guest: Guest, signal: AbortSignal): Promise<boolean> {
  const link = await guest.link();
  const open = async ({ abortSignal }: { abortSignal: AbortSignal }) => {
    const answer = await fetch(link, {
      redirect: "manual",
      signal: AbortSignal.any([abortSignal, AbortSignal.timeout(LINK_MS)]),
    }).catch((error: unknown) => {
      // `fetch` hides there what happened.
      throw error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
    });
    const text = await answer.text();
    if (answer.status === 200) return;
    const name = /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? "Unknown";
    throw Object.assign(new Error(name), { name, $metadata: { httpStatusCode: answer.status } });
  };
  return ask("open a link", signal, open).then(
    () => true,
    (error: unknown) => {
      // It was put a moment ago. 404 means that the address leads elsewhere; R2 says 400 to who shows no signature.
      const isNoPage = guest.who === UNSIGNED && error instanceof Failure && error.code === "remote-unfit";
      if (isDenied(error) || isRefusedUnsaid(error) || isNoPage) return false;
      throw error;
    },
  );
}
