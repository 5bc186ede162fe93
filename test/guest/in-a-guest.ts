import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { after, before, describe, it } from "node:test";
import { IS_LONG } from "../support/figures.ts";
import { assertComplete } from "../support/invariants.ts";
import { lacks } from "../support/needs.ts";
import { GUEST_MS, GUEST_PROGRAMS, lacksKernel } from "./guest.ts";
import type { Card, CardPlan, Rig } from "./rig.ts";
import { assertUntouched, openRig } from "./rig.ts";
import { announce, notice } from "./what-is-seen.ts";

/** Where rows put cards in and take them out, and are told how long the daemon took, on the guest's clock. */
export interface Bench<Label extends string> {
  readonly rig: Rig<Label>;
  card(label: Label): Card;
  /**
   * Puts a card in and waits until it is announced; returns where the journal was before. How long it took does not count where
   * it is `unlike` a person with a card: what it is instead.
   */
  insert(
    test: TestContext,
    label: Label,
    act: () => Promise<void>,
    unlike?: "two at once" | "a slow card",
  ): Promise<number>;
  /** Pulls a card that is read, and waits until that is known. */
  pull(test: TestContext, label: Label, act: () => Promise<void>): Promise<void>;
}

interface GuestPlan<Label extends string> {
  readonly cards: Readonly<Record<Label, CardPlan>>;
  /** The card that is in the SD slot when GhostRoll is installed. */
  readonly wasIn?: Label;
  /** Those that the filesystem itself may write to, since somebody else mounts them so. */
  readonly written?: readonly Label[];
  /** No part of `npm test`. */
  readonly isLong?: boolean;
}

/** For `skip`, where a row is no part of `npm test`. */
export const skipUnlessLong = !IS_LONG && "takes minutes: npm run test:guest";

/**
 * Until a person would ask whether anything happens. The guest is one processor of 1 GHz, less than any Raspberry Pi that is meant,
 * and its clock counts instructions, so that a busy machine does not matter much; waiting for that machine's disk still does.
 */
const ANNOUNCED_MS = 3_000;
const NOTICED_MS = 5_000;

/** Writes down rows for a guest of their own; in the end, nothing may have been written to a card, nor be missing. */
export function inAGuest<Label extends string>(
  what: string,
  { cards, wasIn, written = [], isLong = false }: GuestPlan<Label>,
  rows: (bench: Bench<Label>) => void,
): void {
  const programs = IS_LONG ? ([...GUEST_PROGRAMS, "udisksctl"] as const) : GUEST_PROGRAMS;
  describe(what, {
    skip: (isLong && skipUnlessLong) || lacks(...programs) || lacksKernel(),
    timeout: 3 * GUEST_MS,
  }, () => {
    let folder: string;
    let rig: Rig<Label>;
    const announcedMs: number[] = [];
    const noticedMs: number[] = [];

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "ghostroll-guest-"));
      rig = await openRig(folder, cards, wasIn);
    });
    after(async () => {
      await rig?.close();
      await rm(folder, { recursive: true });
    });

    rows({
      get rig() {
        return rig;
      },
      card: (label) => rig.cards[label],
      async insert(test, label, act, unlike) {
        const { mark, announcedMs: ms } = await announce(rig, label, act);
        if (unlike === undefined) announcedMs.push(ms);
        test.diagnostic(`${label}: announced ${ms} ms after it was put in${unlike ? ` (${unlike})` : ""}`);
        return mark;
      },
      async pull(test, label, act) {
        const { noticedMs: ms } = await notice(rig.guest, label, act);
        noticedMs.push(ms);
        test.diagnostic(`${label}: its removal noticed ${ms} ms later`);
      },
    });

    it("cards are announced within three seconds, and removals noticed within five", {
      skip: skipUnlessLong,
    }, (t) => {
      const [announced, noticed] = [median(announcedMs), Math.max(0, ...noticedMs)];
      t.diagnostic(
        `${rig.guest.accelerator}, load ${loadavg()[0]}: announced after ${announced} ms in the middle, ${Math.max(...announcedMs)} at most, of ${announcedMs.length}`,
      );
      t.diagnostic(`removals noticed after ${noticed} ms at most, of ${noticedMs.length}`);
      assert.ok(announced < ANNOUNCED_MS, `announced after ${announced} ms`);
      assert.ok(noticed < NOTICED_MS, `noticed after ${noticed} ms`);
    });

    it("in the end no card was written to, and the library holds each content once", async () => {
      const all = Object.entries<Card>(rig.cards);
      for (const [label, card] of all)
        if (!written.some((name) => name === label)) await assertUntouched(card);
      const contents = new Set(all.flatMap(([, card]) => [...card.contents]));
      const tiles = all.reduce((sum, [, card]) => sum + card.tiles, 0);
      await assertComplete(await rig.library(), contents, tiles);
    });
  });
}

const median = (all: readonly number[]) => all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN;
