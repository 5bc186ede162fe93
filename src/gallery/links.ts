import { keys } from "../domain/layout.ts";
import type { SignedLinks } from "../domain/object.ts";
import { linkTo } from "../domain/object.ts";
import type { LinkParts } from "./format.ts";

/** Turns keys into links that work without an account; all with one query, so that it is written once. */
export type Sign = (keys: readonly string[]) => Promise<SignedLinks>;

/** The links of one gallery at one moment. */
export interface Links {
  /** Link to a key that was signed. Throws for any other: a bug. */
  readonly to: (key: string) => string;
  readonly signature: (key: string) => string;
  /** Absolute address of a key without its signature, as a content security policy names it. */
  readonly address: (key: string) => string;
  /** Those of the pictures. */
  readonly parts: LinkParts;
  /** Those of index and chunks. */
  readonly pages: LinkParts;
}

/** Signs every key of a gallery in one go: the links share one query even when midnight passes meanwhile. */
export async function signAll(slug: string, wanted: readonly string[], sign: Sign): Promise<Links> {
  const signed = await sign(wanted);
  const places = new Map(wanted.map((key, place) => [key, place]));
  const placeOf = (key: string): number => {
    const place = places.get(key);
    if (place === undefined) throw new Error(`${key} was not signed`);
    return place;
  };
  const signature = (key: string): string => signed.signatures[placeOf(key)] ?? "";
  const { base, openBase, query, signatureName } = signed;
  const closedParts = {
    folder: addressOf(base, `${keys.gallery(slug)}/`),
    tail: `?${query}&${signatureName}=`,
  };
  const pages =
    openBase === undefined
      ? closedParts
      : { folder: addressOf(openBase, `${keys.gallery(slug)}/`), tail: "" };
  return {
    to: (key) => linkTo(signed, key, placeOf(key)),
    signature,
    address: (key) => addressOf(signature(key) === "" ? (openBase ?? base) : base, key),
    parts: query === "" ? pages : closedParts,
    pages,
  };
}

function addressOf(base: string, key: string): string {
  return base + key.split("/").map(encodeURIComponent).join("/");
}
