import type { Catalog } from "../catalog/catalog.ts";
import type { Settings } from "../config/slices.ts";
import { Failure } from "../domain/failure.ts";
import { keys } from "../domain/layout.ts";
import { endDay, linkState } from "../domain/link-end.ts";
import type { PastSession } from "../domain/session.ts";
import { defaultTitle } from "../domain/session.ts";
import { shared } from "../gallery/shared.ts";
import { deliverSession } from "../ingest/ingest-card.ts";
import { linksNow } from "../ingest/links.ts";
import { signAgain } from "../ingest/sign-again.ts";
import { besideOrAlone, inStore, until } from "./beside.ts";
import type { Command } from "./cli.ts";
import type { Context } from "./context.ts";
import { say } from "./context.ts";
import { findSession, nameOf, refuseRevoked } from "./find-session.ts";
import { hasAddress, NO_ADDRESS } from "./store.ts";
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

/** `ghostroll share --renew`: links renewed, for a revoked gallery under a new name. Returns the exit code. */
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
      // Said when it stopped what was asked for, not when another gallery could not be signed again.
      if (failure !== null && (isRevoked || signedWith(catalog, session) === null)) throw failure;
      return true;
    },
    async beside(catalog) {
      const { slug } = catalog.renew(session.id);
      const isSigned = () => typeof signedWith(catalog, session) === "string";
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

/** What the links in the pages of a gallery were signed with; `null` while they are to be, nothing where there are no pages. */
function signedWith(
  { published }: Pick<Catalog, "published">,
  { id }: PastSession,
): string | null | undefined {
  return published().find(({ session }) => session.id === id)?.signedWith;
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
      say(
        context.out,
        JSON.stringify(
          { session: session.name, title, link: null, endsAt: null, sent: null, exitCode: 0 },
          null,
          2,
        ),
      );
    else say(context.out, `${title}: ${NO_ADDRESS}`);
    return 0;
  }
  const now = await inStore(settings, async (store) => linksNow(session, store));
  const sent =
    text === null ? null : await textLink(text, session, title, now.link, settings, context.signal);
  const exitCode = sent === null || sent.kind === "sent" ? 0 : sent.kind === "refused" ? 78 : 75;
  if (json) {
    const endsAt = now.endsMs === null ? null : new Date(now.endsMs).toISOString();
    say(
      context.out,
      JSON.stringify({ session: session.name, title, link: now.link, endsAt, sent, exitCode }, null, 2),
    );
    return exitCode;
  }
  say(
    context.out,
    `${title}: ${now.endsMs === null ? "opens until it is revoked" : `opens until ${endDay(now.endsMs)}`}.`,
  );
  if (sent !== null) say(context.out, sent.sentence);
  if (settings.store.bucket === null)
    say(context.out, "It opens while this machine serves it: `ghostroll watch`.");
  say(context.out, now.link);
  return exitCode;
}
