import { createHash } from "node:crypto";
import { keys } from "../domain/layout.ts";
import type { SignedLinks } from "../domain/object.ts";
import { linkTo } from "../domain/object.ts";
import type { Session } from "../domain/session.ts";
import type { Ports } from "./ports.ts";

/** How a gallery is linked today. */
export interface LinksNow {
  readonly link: string;
  /** Milliseconds since 1970 at which that link ends; `null` when it does not. */
  readonly endsMs: number | null;
  /** The same as long as every link in its pages would be: by store, keys, way of sharing and day. */
  readonly signedWith: string;
}

/** Stands for every picture: all of a gallery are signed alike. */
const ANY_PICTURE = "0".repeat(64);

/** The links of a gallery as they would be signed now. Throws `clock-unset` and `remote-*` when nothing can be signed. */
export async function linksNow(
  { slug }: Pick<Session, "slug">,
  store: Pick<Ports["store"], "sign">,
): Promise<LinksNow> {
  const [shell, picture] = [keys.shell(slug), keys.rendition(slug, ANY_PICTURE, "thumb")];
  const own = await store.sign([shell]);
  const link = linkTo(own, shell, 0);
  const samples = [link, linkTo(await store.sign([picture]), picture, 0)];
  const signedWith = createHash("sha256").update(samples.join("\n")).digest("hex").slice(0, 16);
  return { link, endsMs: endOf(own), signedWith };
}

/** When signed links end; `null` when they do not. */
function endOf({ expiresMs }: SignedLinks): number | null {
  return Number.isFinite(expiresMs) ? expiresMs : null;
}
