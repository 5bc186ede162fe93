import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import type { Settings } from "../config/slices.ts";
import { Failure } from "../domain/failure.ts";
import type { Probed, ProbedRight } from "../remote/s3-probe.ts";
import { probeRights } from "../remote/s3-probe.ts";
import type { Check } from "./check.ts";
import { bad, good } from "./check.ts";
import { bucketsOf, openStore } from "./store.ts";

/** What a person does about a right that is missing. */
function fixOf(who: ProbedRight["who"], { url }: Settings["share"]): string {
  if (who === "the access key")
    return "Allow it in the policy of that key: docs/iam/uploader.json has all that is needed.";
  if (who === "the key that signs links")
    return "Links open nothing without it. Allow it in the policy of that key: docs/iam/presigner.json has all that is needed.";
  if (url !== null)
    return `Links open nothing without it. ${url} in GHOSTROLL_SHARE_URL has to lead to the folder GHOSTROLL_S3_PREFIX_ROOT of that bucket and let everybody read pages there: docs/sharing.md.`;
  return "Links open nothing without it. docs/sharing.md has the policy of the bucket that opens pages, and pages only.";
}

/** Looks whether galleries can be delivered: each right that is missing is a line of its own. Leaves nothing in the store. */
export async function aboutStore(settings: Settings, signal: AbortSignal): Promise<Check[]> {
  try {
    const buckets = bucketsOf(settings);
    if (buckets.length === 0) return [await aboutDirectory(settings, signal)];
    const { mode, url } = settings.share;
    const { baseDir } = settings.library;
    // Two boxes at one bucket do not take away each other's trial; one box always finds its own.
    const name = createHash("sha256").update(`${hostname()}\0${baseDir}`).digest("hex").slice(0, 16);
    const checks: Check[] = [];
    for (const [index, options] of buckets.entries()) {
      const withLinks = index === 0 && mode !== "cdn";
      // Of two buckets, the second one is that of the pages.
      const openPages = mode !== "presigned" && index === buckets.length - 1 && { at: url };
      const withOriginals = index === 0 && settings.store.originals !== "none";
      const withStations = settings.gallery.sharing !== null;
      const probing = { name, withLinks, openPages, withOriginals, withStations };
      checks.push(...inWords(options.bucket, await probeRights(options, probing, signal), settings.share));
    }
    return checks;
  } catch (error) {
    if (error instanceof Failure && error.code !== "interrupted")
      return [bad("store", error.message, error.policy.hint)];
    throw error;
  }
}

async function aboutDirectory(settings: Settings, signal: AbortSignal): Promise<Check> {
  // Opening it makes it, and a look makes nothing.
  if (!existsSync(settings.library.baseDir))
    return good("store", "galleries will be served from this machine");
  const closing: (() => void | Promise<void>)[] = [];
  try {
    const { store } = await openStore(settings, null, closing);
    await store.check(signal);
    return good("store", "galleries are served from this machine");
  } finally {
    for (const close of closing) await close();
  }
}

const UNCONDITIONAL =
  "it does not keep to conditional writes (If-Match, If-None-Match), by which stations agree on what a shared gallery shows";
const ONE_STATION =
  "Leave GHOSTROLL_GALLERY empty, or let GHOSTROLL_S3_BUCKET name one in a store that does: docs/providers.md.";

/** What only `revoke` needs: a key may well be without it. */
const TO_REVOKE = "s3:ListBucket";

function inWords(bucket: string, { rights: all, isConditional }: Probed, share: Settings["share"]): Check[] {
  const rights = all.filter(({ right }) => right !== TO_REVOKE);
  const missing = rights.filter(({ state }) => state === "missing");
  if (missing.length > 0)
    return missing.map(({ who, right, folder }) =>
      bad("store", `${who} may not do ${right} below ${folder} in the bucket ${bucket}`, fixOf(who, share)),
    );
  const names = (state: ProbedRight["state"]) =>
    [...new Set(rights.filter((each) => each.state === state).map(({ right }) => right))].join(", ");
  const untried = names("untried");
  const canRevoke = all.some(({ right, state }) => right === TO_REVOKE && state === "allowed");
  return [
    good(
      "store",
      `bucket ${bucket}: ${names("allowed")}${isConditional === true ? ", conditional writes" : ""}`,
    ),
    ...(isConditional === false ? [bad("store", `bucket ${bucket}: ${UNCONDITIONAL}`, ONE_STATION)] : []),
    ...(untried === ""
      ? []
      : [
          good(
            "store",
            `${untried} was not tried: what that takes could not be taken back without the s3:DeleteObject of docs/iam/uploader.json`,
          ),
        ]),
    ...(canRevoke
      ? []
      : [good("revoke", `not with this access key, which may not do ${TO_REVOKE} (docs/iam/revoker.json)`)]),
  ];
}
