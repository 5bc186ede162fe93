import { setTimeout as delay } from "node:timers/promises";
import { openCatalog, readSessions } from "../catalog/catalog.ts";
import type { Settings } from "../config/slices.ts";
import { Failure } from "../domain/failure.ts";
import { endDay, linkState } from "../domain/link-end.ts";
import type { PastSession } from "../domain/session.ts";
import { defaultTitle } from "../domain/session.ts";
import { deliverSession } from "../ingest/ingest-card.ts";
import type { LinksNow } from "../ingest/links.ts";
import { linksNow } from "../ingest/links.ts";
import { signAgain } from "../ingest/sign-again.ts";
import { takeDown } from "../ingest/take-down.ts";
import type { Command } from "./cli.ts";
import type { Context } from "./context.ts";
import { say } from "./context.ts";
import type { House } from "./house.ts";
import { openHouse } from "./house.ts";
import { slipTo } from "./ingest.ts";
import { sessionCalled } from "./session-called.ts";
import { openStore, storeName } from "./store.ts";
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
    async alone(house) {
      const renewed = house.catalog.renew(session.id);
      const { options, ports } = house;
      // Said when it stopped what was asked for, not when another gallery could not be signed anew.
      const failure = session.isRevoked
        ? await deliverSession(renewed, options, ports, () => {}, context.signal)
        : null;
      if (failure !== null) throw failure;
      await signAgain(options.title, ports, context.signal);
      return true;
    },
    async beside(catalog) {
      catalog.renew(session.id);
      return until(() => catalog.published().some((one) => one.session.id === session.id && one.signedWith !== null)); // biome-ignore format: one line
    },
  });
  if (!isOpen && !command.json)
    say(context.out, "The running GhostRoll opens it as soon as it has put everything into the store.");
  return tell(findSession(settings, session.name, "any"), command, settings, context);
}

/** `ghostroll revoke`: nobody can open a gallery any more. Returns the exit code, 75 while something is left of it. */
export async function revoke(command: Asked<"revoke">, context: Context): Promise<number> {
  const settings = context.settings(command.settings);
  const session = findSession(settings, command.session, "any");
  const { left, failure } = await besideOrAlone(settings, context, {
    async alone(house) {
      house.catalog.revoke(session.id);
      const stopped = await takeDown(house.ports, context.signal).then(() => null, orFailure);
      return { left: house.catalog.storesLeft(session.id), failure: stopped };
    },
    async beside(catalog) {
      catalog.revoke(session.id);
      await until(() => !catalog.storesLeft(session.id).includes(storeName(settings)));
      return { left: catalog.storesLeft(session.id), failure: null };
    },
  });
  const isGone = !left.includes(storeName(settings));
  const elsewhere = left.filter((store) => store !== storeName(settings));
  const exitCode = isGone && elsewhere.length === 0 ? 0 : (failure?.policy.exit ?? 75);
  if (command.json) {
    say(context.out, JSON.stringify({ session: session.name, isGone, elsewhere, exitCode }, null, 2));
    return exitCode;
  }
  const name = nameOf(session, settings);
  say(
    context.out,
    isGone
      ? `Revoked: nobody can open the gallery of ${name} any more. The originals are untouched.`
      : `Revoked, but not gone yet: the gallery of ${name} still opens where its link is known.`,
    ...(failure === null ? [] : [`${failure.message} ${failure.policy.hint}`]),
    ...(isGone ? [] : ["It is taken down as soon as that is possible, by itself."]),
    ...elsewhere.map(
      (store) =>
        `It was in another place too, which the settings do not name now (${store}): run this with them.`,
    ),
  );
  return exitCode;
}

/**
 * The session a person means, whose gallery guests can open now (`open`), could open before it was revoked (`seen`), or whatever
 * became of it. Throws a sentence when there is none.
 */
function findSession(settings: Settings, word: string, gallery: "open" | "seen" | "any"): PastSession {
  const catalog = readSessions(settings.library.dbPath);
  try {
    const session = sessionCalled(word, catalog?.allSessions() ?? []);
    if (gallery === "open" && session.isRevoked)
      throw new Failure("gallery-revoked", `The gallery of ${nameOf(session, settings)} was revoked.`);
    if (gallery !== "any" && !session.isRevoked && catalog?.tally(session.id).published === 0)
      throw new Failure("gallery-unseen", `Nothing of ${nameOf(session, settings)} can be seen yet.`);
    return session;
  } finally {
    catalog?.close();
  }
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
  const now = await linksToday(session, settings);
  const title = settings.gallery.title || defaultTitle(session);
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

async function linksToday(session: PastSession, settings: Settings): Promise<LinksNow> {
  const closing: (() => void | Promise<void>)[] = [];
  const { store } = await openStore(settings, null, closing);
  try {
    return await linksNow(session, store);
  } finally {
    for (const close of closing) await close();
  }
}

function nameOf(session: PastSession, { gallery }: Settings): string {
  return `${session.name} (${gallery.title || defaultTitle(session)})`;
}
