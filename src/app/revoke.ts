import type { Settings } from "../config/slices.ts";
import { Failure } from "../domain/failure.ts";
import { keys } from "../domain/layout.ts";
import { isOfTheStore } from "../ingest/in-turn.ts";
import { takeDown } from "../ingest/take-down.ts";
import { besideOrAlone, inStore, until } from "./beside.ts";
import type { Command } from "./cli.ts";
import type { Context } from "./context.ts";
import { say } from "./context.ts";
import { findSession, nameOf } from "./find-session.ts";
import type { House } from "./house.ts";
import { storeName } from "./store.ts";

/** `ghostroll revoke`: nobody can open a gallery any more. Returns the exit code, 75 while something of it may open. */
export async function revoke(
  command: Extract<Command, { name: "revoke" }>,
  context: Context,
): Promise<number> {
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
      return {
        ...leftIn(catalog),
        failure: stopped,
        later:
          "`ghostroll retry` removes what is left of it, and a running `ghostroll watch` does so by itself.",
      };
    },
    async beside(catalog) {
      catalog.revoke(session.id);
      await until(() => leftIn(catalog).slugs.length === 0);
      return {
        ...leftIn(catalog),
        failure: null,
        later:
          "The GhostRoll that is running, or the next one, removes what is left of it as soon as that is possible.",
      };
    },
  });
  const isKnown = failure !== null && isOfTheStore(failure);
  const asked = isKnown ? failure : await look(slugs, settings, context.signal);
  const isOpen = asked !== "gone";
  const why = failure ?? (asked instanceof Failure ? asked : null);
  const isDone = slugs.length === 0 || (!isOpen && failure === null);
  const exitCode = isDone && elsewhere.length === 0 ? 0 : (why?.policy.exit ?? 75);
  if (command.json) {
    say(
      context.out,
      JSON.stringify({ session: session.name, isGone: !isOpen, elsewhere, exitCode }, null, 2),
    );
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

function orFailure(error: unknown): Failure {
  if (Failure.is(error, "session")) return error;
  throw error;
}
