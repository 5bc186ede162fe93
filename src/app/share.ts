import { setTimeout as delay } from "node:timers/promises";
import { openCatalog, readSessions } from "../catalog/catalog.ts";
import type { Settings } from "../config/slices.ts";
import { Failure } from "../domain/failure.ts";
import { keys } from "../domain/layout.ts";
import { endDay, linkState } from "../domain/link-end.ts";
import type { PastSession } from "../domain/session.ts";
import { defaultTitle } from "../domain/session.ts";
import { shared } from "../gallery/shared.ts";
import { isOfTheStore } from "../ingest/in-turn.ts";
import { deliverSession } from "../ingest/ingest-card.ts";
import { linksNow } from "../ingest/links.ts";
import { signAgain } from "../ingest/sign-again.ts";
import { takeDown } from "../ingest/take-down.ts";
import type { ObjectStore } from "../remote/object-store.ts";
import type { Command } from "./cli.ts";
import type { Context } from "./context.ts";
import { say } from "./context.ts";
import type { House } from "./house.ts";
import { openHouse } from "./house.ts";
import { slipTo } from "./ingest.ts";
import { assertLibrary } from "./library-there.ts";
import { sessionCalled } from "./session-called.ts";
import { hasAddress, NO_ADDRESS, openStore, storeName } from "./store.ts";
import { textLink } from "./text-link.ts";

type Asked<Name> = Extract<Command, { name: Name }>;

/** `ghostroll link`: the link of a gallery as it is today, printed or sent to somebody. Returns the exit code. */
export async function link(command: Asked<"link">, context: Context): Promise<number> {
  const settings = context.settings(command.settings);
  const session = findSession(settings, command.session, "open");
  if (session.linkEndsMs !== null && linkState(session.linkEndsMs, Date.now()) === "ended")
    throw new Failure(
      "gallery-unseen",
      `The link of ${nameOf(session, settings)} ended on ${endDay(session.linkEndsMs)}, and its pictures with it: \`ghostroll share ${session.name} --renew\` opens it again.`,
    );
  await refuseRevokedElsewhere(session, settings, context.signal);
  return tell(session, command, settings, context);
}

/** `ghostroll share --renew`: links signed anew, for a revoked gallery under a new name. Returns the exit code. */
export async function share(command: Asked<"share">, context: Context): Promise<number> {
  const settings = context.settings(command.settings);
  const { session: name, isRenewing } = command;
  if (!isRenewing)
    throw new Failure(
      "usage",
      `\`ghostroll link ${name}\` shows its link; \`ghostroll share ${name} --renew\` makes a new one.`,
    );
  const session = findSession(settings, name, "seen");
  const isOpen = await besideOrAlone(settings, context, {
    async alone({ catalog, options, ports }) {
      let failure: Failure | null = null;
      if (!session.isRevoked) {
        catalog.renew(session.id);
        ({ failure } = await signAgain(options.title, ports, context.signal));
      }
      // By its owner, or by another station, as signing has found out.
      const isRevoked = catalog.isRevoked(session.slug);
      if (isRevoked)
        failure = await deliverSession(catalog.renew(session.id), options, ports, () => {}, context.signal);
      const isUnsigned = catalog.published().some((one) => one.session.id === session.id && one.signedWith === null); // biome-ignore format: one line
      // Said when it stopped what was asked for, not when another gallery could not be signed anew.
      if (failure !== null && (isRevoked || isUnsigned)) throw failure;
      return true;
    },
    async beside(catalog) {
      const { slug } = catalog.renew(session.id);
      const isSigned = () => catalog.published().some((one) => one.session.id === session.id && one.signedWith !== null); // biome-ignore format: one line
      await until(() => isSigned() || catalog.isRevoked(slug));
      return isSigned();
    },
  });
  const renewed = findSession(settings, session.name, "any");
  refuseRevoked(renewed, settings);
  const isNew = session.isRevoked && !isOpen;
  // The stations of a shared gallery have yet to agree on its address.
  if (isNew && (command.text !== null || renewed.sharing !== null))
    throw new Failure(
      "gallery-unseen",
      `The new link of ${nameOf(renewed, settings)} does not open yet: \`ghostroll link ${session.name}\` gives it as soon as it does, or sends it with --text.`,
    );
  if (!isOpen && !command.json)
    say(
      context.out,
      isNew
        ? "It opens as soon as the GhostRoll that is running, or the next one, has put everything into the store."
        : "Its pictures get new links as soon as the GhostRoll that is running, or the next `ghostroll watch`, has made them.",
    );
  return tell(renewed, command, settings, context);
}

/** `ghostroll revoke`: nobody can open a gallery any more. Returns the exit code, 75 while something of it may open. */
export async function revoke(command: Asked<"revoke">, context: Context): Promise<number> {
  const settings = context.settings(command.settings);
  const session = findSession(settings, command.session, "any");
  const here = storeName(settings);
  /** What is not known to be gone from this store, and of others that something may be there. */
  const leftIn = (catalog: Pick<House["catalog"], "toTakeDown" | "storesLeft">) => ({
    slugs: catalog
      .toTakeDown()
      .flatMap((one) => (one.session.id === session.id || one.slug === session.slug ? [one.slug] : [])),
    elsewhere: catalog.storesLeft(session.id).filter((store) => store !== here),
  });
  const { slugs, elsewhere, failure, later } = await besideOrAlone(settings, context, {
    async alone({ catalog, ports }) {
      catalog.revoke(session.id);
      const stopped = (await takeDown(ports, context.signal, session)).failure;
      // What earlier ones have left is not what was asked for.
      if (stopped === null || !isOfTheStore(stopped)) await takeDown(ports, context.signal);
      return { ...leftIn(catalog), failure: stopped, later: "`ghostroll retry` removes what is left of it, and a running `ghostroll watch` does so by itself." }; // biome-ignore format: one line
    },
    async beside(catalog) {
      catalog.revoke(session.id);
      await until(() => leftIn(catalog).slugs.length === 0);
      return { ...leftIn(catalog), failure: null, later: "The GhostRoll that is running, or the next one, removes what is left of it as soon as that is possible." }; // biome-ignore format: one line
    },
  });
  const isKnown = failure !== null && isOfTheStore(failure);
  const asked = isKnown ? failure : await look(slugs, settings, context.signal);
  const isOpen = asked !== "gone";
  const why = failure ?? (asked instanceof Failure ? asked : null);
  const isDone = slugs.length === 0 || (!isOpen && failure === null);
  const exitCode = isDone && elsewhere.length === 0 ? 0 : (why?.policy.exit ?? 75);
  if (command.json) {
    say(context.out, JSON.stringify({ session: session.name, isGone: !isOpen, elsewhere, exitCode }, null, 2)); // biome-ignore format: one line
    return exitCode;
  }
  const name = nameOf(session, settings);
  say(
    context.out,
    isOpen
      ? `Revoked, but not gone yet: the gallery of ${name} may still open where its link is known.`
      : `Revoked: nobody can open the gallery of ${name} ${elsewhere.length > 0 ? "here " : ""}any more. The originals are untouched.`,
    ...(why === null ? [] : [`${why.message} ${why.policy.hint}`]),
    ...(isDone ? [] : [later]),
    ...elsewhere.map(
      (store) =>
        `It was in another place too, and may still open there, which the settings do not name now (${store}): run this with them.`,
    ),
  );
  return exitCode;
}

/**
 * What guests find of revoked galleries: `gone` is nothing, though for a while their traces may be in the store and something on
 * its way there, to be removed when it comes; a failure when the store does not say.
 */
async function look(
  slugs: readonly string[],
  settings: Settings,
  signal: AbortSignal,
): Promise<"gone" | "there" | Failure> {
  if (slugs.length === 0) return "gone";
  return inStore(settings, async (store) => {
    for (const slug of slugs) for await (const _ of store.list(keys.gallery(slug), signal)) return "there";
    return "gone";
  }).catch(orFailure);
}

/**
 * The session a person means, whose gallery guests can open now (`open`), could open before it was revoked (`seen`), or whatever
 * became of it. Throws a sentence when there is none.
 */
function findSession(settings: Settings, word: string, gallery: "open" | "seen" | "any"): PastSession {
  assertLibrary(settings);
  const catalog = readSessions(settings.library.dbPath);
  try {
    const session = sessionCalled(word, catalog?.allSessions() ?? []);
    if (gallery === "open") refuseRevoked(session, settings);
    if (gallery !== "any" && !session.isRevoked && catalog?.tally(session.id).published === 0)
      throw new Failure("gallery-unseen", `Nothing of ${nameOf(session, settings)} can be seen yet.`);
    return session;
  } finally {
    catalog?.close();
  }
}

function refuseRevoked(session: PastSession, settings: Settings): void {
  if (session.isRevoked)
    throw new Failure("gallery-revoked", `The gallery of ${nameOf(session, settings)} was revoked.`);
}

/** A moment longer than a network takes that is there. */
const NAME_MS = 5000;

/** Another station may have revoked a shared gallery since this one put something into it. Where the store cannot be asked, nobody knows. */
async function refuseRevokedElsewhere(
  session: PastSession,
  settings: Settings,
  signal: AbortSignal,
): Promise<void> {
  const { sharing, slug } = session;
  if (sharing === null) return;
  const soon = AbortSignal.any([signal, AbortSignal.timeout(NAME_MS)]);
  const named = await inStore(settings, async (store) => store.get(keys.galleryNamed(sharing.gallery), soon))
    .then((bytes) => bytes && shared.slugIn(bytes))
    .catch((error: unknown) => {
      if (!Failure.is(error, "session") && error !== soon.reason) throw error;
      return null;
    });
  signal.throwIfAborted();
  if (named !== null && named !== slug)
    throw new Failure(
      "gallery-revoked",
      `The gallery of ${nameOf(session, settings)} was revoked by another station.`,
    );
}

/**
 * Does it in a house of our own, or, where another GhostRoll works on the library, beside it: what is written to the catalog is
 * a fact, which the other one sees and acts upon within seconds.
 */
async function besideOrAlone<Result>(
  settings: Settings,
  context: Context,
  ways: {
    alone(house: House): Promise<Result>;
    beside(catalog: ReturnType<typeof openCatalog>): Promise<Result>;
  },
): Promise<Result> {
  let house: House;
  try {
    house = await openHouse(settings, { isServing: false, onSlip: slipTo(context.err) });
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "catalog-busy") throw error;
    const catalog = openCatalog(settings.library.dbPath, storeName(settings));
    try {
      return await ways.beside(catalog);
    } finally {
      catalog.close();
    }
  }
  try {
    return await ways.alone(house);
  } finally {
    await house.close();
  }
}

/** A person waits this long for another process; then it is said that it will be done. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 200;

async function until(isSo: () => boolean): Promise<boolean> {
  for (const endMs = performance.now() + PATIENCE_MS; performance.now() < endMs; await delay(LOOK_MS))
    if (isSo()) return true;
  return false;
}

function orFailure(error: unknown): Failure {
  if (Failure.is(error, "session")) return error;
  throw error;
}

async function tell(
  session: PastSession,
  { json, text }: Asked<"link" | "share">,
  settings: Settings,
  context: Context,
): Promise<number> {
  const title = settings.gallery.title || defaultTitle(session);
  if (!hasAddress(settings)) {
    if (text !== null) throw new Failure("settings-invalid", `${title}: ${NO_ADDRESS}`);
    if (json)
      say(context.out, JSON.stringify({ session: session.name, title, link: null, endsAt: null, sent: null, exitCode: 0 }, null, 2)); // biome-ignore format: one line
    else say(context.out, `${title}: ${NO_ADDRESS}`);
    return 0;
  }
  const now = await inStore(settings, async (store) => linksNow(session, store));
  const sent =
    text === null ? null : await textLink(text, session, title, now.link, settings, context.signal);
  const exitCode = sent === null || sent.kind === "sent" ? 0 : sent.kind === "refused" ? 78 : 75;
  if (json) {
    const endsAt = now.endsMs === null ? null : new Date(now.endsMs).toISOString();
    say(context.out, JSON.stringify({ session: session.name, title, link: now.link, endsAt, sent, exitCode }, null, 2)); // biome-ignore format: one line
    return exitCode;
  }
  say(context.out, `${title}: ${now.endsMs === null ? "opens until it is revoked" : `opens until ${endDay(now.endsMs)}`}.`); // biome-ignore format: one line
  if (sent !== null) say(context.out, sent.sentence);
  if (settings.store.bucket === null)
    say(context.out, "It opens while this machine serves it: `ghostroll watch`.");
  say(context.out, now.link);
  return exitCode;
}

/** Asks the store something that needs no library. */
async function inStore<Answer>(
  settings: Settings,
  ask: (store: ObjectStore) => Promise<Answer>,
): Promise<Answer> {
  const closing: (() => void | Promise<void>)[] = [];
  const { store } = await openStore(settings, null, closing);
  try {
    return await ask(store);
  } finally {
    for (const close of closing) await close();
  }
}

function nameOf(session: PastSession, { gallery }: Settings): string {
  return `${session.name} (${gallery.title || defaultTitle(session)})`;
}
