import { appendFileSync } from "node:fs";

/** Whether this is `npm run test:crash`; CI and `npm test` run the short form of each harness. */
export const IS_LONG = process.env["GHOSTROLL_LONG"] === "1";

/**
 * What a harness did, one row of the table that `npm run test:crash` prints. It fails at the first file that is lost, falsely
 * claimed or kept twice, and reports nothing then: a row means that there was none.
 */
export interface Figure {
  /** What was done, in a few words: `SIGKILL at random moments`. */
  readonly harness: string;
  /** How often, and how often it hit work under way. */
  readonly tried: number;
  readonly hit: number;
}

/** Prints a figure with the test, and hands it to the table. */
export function report(test: { diagnostic(message: string): void }, figure: Figure): void {
  const { harness, tried, hit } = figure;
  test.diagnostic(`${harness}: ${tried} tried, ${hit} hit; nothing lost, falsely claimed or doubled`);
  const file = process.env["GHOSTROLL_FIGURES"];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(figure)}\n`);
}
