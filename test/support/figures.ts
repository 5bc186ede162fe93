import { appendFileSync } from "node:fs";

/** Whether this is `npm run test:crash`; CI and `npm test` run the short form of each harness. */
export const IS_LONG = process.env["GHOSTROLL_LONG"] === "1";

/**
 * What a harness found, one row of the table that `npm run test:crash` prints. A violation throws in the harness before it
 * reports, so the last three are 0 in every row there is: a harness that found something has failed, and has no row.
 */
export interface Figure {
  /** What was done, in a few words: `SIGKILL at random moments`. */
  readonly harness: string;
  /** How often, and how often it hit work under way. */
  readonly tried: number;
  readonly hit: number;
  readonly lost: number;
  /** Said to be kept, uploaded or published when it was not. */
  readonly falselyClaimed: number;
  readonly doubled: number;
}

/** Prints a figure with the test, and hands it to the table. */
export function report(test: { diagnostic(message: string): void }, figure: Figure): void {
  const { harness, tried, hit, lost, falselyClaimed, doubled } = figure;
  test.diagnostic(
    `${harness}: ${tried} tried, ${hit} hit, ${lost} lost, ${falselyClaimed} falsely claimed, ${doubled} doubled`,
  );
  const file = process.env["GHOSTROLL_FIGURES"];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(figure)}\n`);
}
