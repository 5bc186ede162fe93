/** What the keys of this program stand for, to a person (domain/layout.ts says which there are). */
const THINGS: readonly (readonly [RegExp, string])[] = [
  [/^g\/[^/]+\/p\//, "a picture"],
  [/^g\/[^/]+\/og-/, "the picture beside a link"],
  [/^g\/[^/]+\/z\//, "a download of all pictures"],
  [/^(g|assets|galleries|stations)\//, "a part of the gallery"],
  [/^originals\//, "an original"],
];

/** What an object is, to a person: nobody knows one by its key, which is long and, with a link's secret in it, private. */
export function thingOf(key: string): string {
  return THINGS.find(([pattern]) => pattern.test(key))?.[1] ?? `"${key}"`;
}

const VERBS: Readonly<Record<string, string>> = {
  put: "Uploading",
  get: "Reading",
  "look at": "Looking at",
  "look for": "Looking for",
};

/** `put g/…/p/…-share.jpg` as the beginning of a sentence: `Uploading a picture`. What names no object stays as it is. */
export function doingInWords(doing: string): string {
  const [, verb = "", key = "", rest = ""] = /^(put|get|look at|look for) (\S+\/\S+)(.*)$/.exec(doing) ?? [];
  return verb === "" ? doing : `${VERBS[verb]} ${thingOf(key)}${rest}`;
}
