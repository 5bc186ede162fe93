/**
 * What was wrong with an original when it was last read back, in words. Until it is repaired, a card that has it is read
 * again. A CHECK in the catalog repeats the names; `npm test` compares the two.
 */
export const FINDINGS = {
  missing: "It is no longer in the library.",
  changed: "Its bytes are no longer those that were kept.",
  unreadable: "The disk cannot read it any more.",
} as const satisfies Record<string, string>;

export type Finding = keyof typeof FINDINGS;

/** What reading an original back showed. `cached`: the bytes came from memory, so the medium itself was not asked. */
export type ReadBack =
  | { readonly state: "as-kept"; readonly proof: "cold" | "cached" }
  | { readonly state: Finding };
