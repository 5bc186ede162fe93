import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, it } from "node:test";

/** Which rooms of src/ each room may look into. A room always sees itself; `app` sees every room. */
const MAY_SEE: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  flow: [],
  config: ["domain"],
  card: ["domain", "flow"],
  library: ["domain", "flow"],
  catalog: ["domain", "flow"],
  workers: ["domain", "flow"],
  imaging: ["domain", "flow"],
  remote: ["domain", "flow"],
  gallery: ["domain", "flow"],
  notify: ["domain", "flow"],
  web: ["domain", "flow"],
  ingest: ["domain", "flow"],
};

/** The one room that may import each npm package. */
const HOME_OF: Readonly<Record<string, string>> = {
  "@aws-sdk/client-s3": "remote",
  "@aws-sdk/lib-storage": "remote",
  "@aws-sdk/s3-request-presigner": "remote",
  "@hono/node-server": "web",
  "better-sqlite3": "catalog",
  chokidar: "card",
  drivelist: "card",
  eta: "gallery",
  exifreader: "imaging",
  hono: "web",
  "p-map": "ingest",
  photoswipe: "gallery",
  pino: "app",
  piscina: "workers",
  send: "web",
  sharp: "imaging",
  uqr: "app",
  valibot: "config",
};

/** Rooms that are pure: no `node:` either. */
const PURE = ["domain"];

/** What no line of src/ may do, with the reason. */
const BANNED: readonly (readonly [pattern: RegExp, reason: string, except?: RegExp])[] = [
  [
    /\b(copyFile|copyFileSync|cpSync)\b|\bfs\.cp\(/,
    "reports success with wrong content after an unreadable spot",
  ],
  [/\b(withMetadata|keepExif|keepMetadata)\b/, "publishes GPS, serial number and owner"],
  [/\bprocess\.env\b/, "settings come from config/", /^config\//],
  [/\bprocess\.exit\(/, "only main.ts ends the process", /^main\.ts$|^workers\/host\.ts$/],
  [/\bconsole\./, "rooms return or throw; app/ and main.ts speak", /^(app\/|main\.ts$)/],
  [/\benum\s+[A-Z]/, "string unions instead"],
];

const MAX_LINES = 300;
const BANNED_NAMES = /(^|\/)(utils?|helpers?|common|managers?|services?|index)(\.ts$|\/)/;

const src = join(import.meta.dirname, "../src");
const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => ({ file, text: readFileSync(join(src, file), "utf8") }));

/** Every static, dynamic and re-exporting import of a file, with relative ones resolved below src/. */
function importsOf(file: string, text: string): string[] {
  const imports = /(?:(?:^|[\s}])from |^import |\bimport\()"([^"\s]+)"(?:\)|;| with)/gm;
  const specifiers = [...text.matchAll(imports)].map((match) => match[1] ?? "");
  return specifiers.map((specifier) =>
    specifier.startsWith(".") ? posix.join(posix.dirname(file), specifier) : specifier,
  );
}

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Why a file may not import something, or null when it may. */
function objection(file: string, target: string): string | null {
  const room = file.includes("/") ? (posix.dirname(file).split("/")[0] ?? "") : "app";
  if (target.startsWith("node:")) return PURE.includes(room) ? `${room} is pure` : null;
  if (!/\.(ts|json)$/.test(target)) {
    const home = HOME_OF[packageOf(target)];
    if (home === undefined) return `${target} has no home: add it to HOME_OF`;
    return home === room ? null : `${target} lives in ${home}`;
  }
  const seen = target.split("/")[0] ?? "";
  if (room === "app" || seen === room || MAY_SEE[room]?.includes(seen)) return null;
  return `${room} may not look into ${seen}`;
}

/** A path of imports that leads back to where it began, or null. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next, [...path, file]);
      if (cycle) return cycle;
    }
    done.add(file);
    return null;
  };
  for (const file of graph.keys()) {
    const cycle = visit(file, []);
    if (cycle) return cycle;
  }
  return null;
}

describe("architecture", () => {
  it("reads the sources", () => assert.ok(files.length > 12, `only ${files.length} files found`));

  it("finds a violation when there is one", () => {
    const text =
      'import { a } from "../b/c.ts";\nimport "x";\nexport type { D } from "./d.ts";\nawait import("./e.ts");\n';
    assert.deepEqual(importsOf("a/a.ts", text), ["b/c.ts", "x", "a/d.ts", "a/e.ts"]);
    assert.equal(objection("domain/a.ts", "node:fs"), "domain is pure");
    assert.equal(objection("card/a.ts", "library/b.ts"), "card may not look into library");
    assert.equal(objection("card/a.ts", "sharp"), "sharp lives in imaging");
    assert.deepEqual(
      findCycle(
        new Map([
          ["a", ["b"]],
          ["b", ["a"]],
        ]),
      ),
      ["a", "b", "a"],
    );
  });

  for (const { file, text } of files) {
    it(`${file} keeps the rules of the house`, () => {
      const objections = importsOf(file, text).flatMap((target) => objection(file, target) ?? []);
      for (const [pattern, reason, except] of BANNED)
        if (!except?.test(file) && pattern.test(text)) objections.push(`${pattern.source}: ${reason}`);
      const lines = text.split("\n").length - 1;
      if (lines > MAX_LINES) objections.push(`${lines} lines, at most ${MAX_LINES}`);
      if (BANNED_NAMES.test(file)) objections.push("a name that says nothing");
      assert.deepEqual(objections, []);
    });
  }

  it("has no import cycle", () => {
    const graph = new Map(
      files.map(({ file, text }) => [file, importsOf(file, text).filter((target) => target.endsWith(".ts"))]),
    );
    assert.equal(findCycle(graph), null);
  });
});
