import assert from "node:assert/strict";
import { mkdir, open, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeCard, picture } from "../support/card.ts";
import { hashesBelow } from "../support/invariants.ts";
import type { Guest } from "./guest.ts";
import { bootGuest } from "./guest.ts";
import { formatCard, imageHash, runOnHost } from "./images.ts";
import type { Sockets } from "./sockets.ts";
import { openSockets } from "./sockets.ts";

/** A camera's card: what is on it, and what its bytes were before anybody plugged it in. */
export interface Card {
  readonly label: string;
  readonly image: string;
  /** What its gallery shows: every picture, and a plain tile for every film. */
  readonly tiles: number;
  /** The folder its files came from, on this machine. */
  readonly files: string;
  /** SHA-256 of each content. */
  readonly contents: ReadonlySet<string>;
  readonly imageHash: string;
}

export interface CardPlan {
  readonly filesystem: "vfat" | "exfat";
  readonly pictures: number;
  /** The size of each, in MB. */
  readonly films?: readonly number[];
  /** Without a partition table. */
  readonly isBare?: boolean;
}

/** A guest in which GhostRoll is installed as its own `install` does it, and cards for it. */
export interface Rig<Label extends string> {
  /** Everything of it is below. */
  readonly folder: string;
  readonly guest: Guest;
  readonly sockets: Sockets;
  readonly cards: Readonly<Record<Label, Card>>;
  /** How long booting and installing took, on this machine's clock. */
  readonly tookMs: { readonly boot: number; readonly install: number };
  /** Stops the service, ends the guest, and returns the folder into which its library was copied. */
  library(): Promise<string>;
  close(): Promise<void>;
}

/** Films, in MB, and what a card gives of them a second: ten seconds in which it can be pulled. */
export const FILMS = [2, 2];
export const SLOW = 400_000;

const LIBRARY_MB = 1024;
const MB = 2 ** 20;
/** It compiles all of the program, and ends when the service has reported that it waits. */
const INSTALL_MS = 600_000;

/** What the service is told beside its defaults: to write down each of its messages, with the link. */
const SETTINGS = `GHOSTROLL_ON_EVENT='echo "$GHOSTROLL_EVENT $GHOSTROLL_CARD $GHOSTROLL_LINK" >>/var/lib/ghostroll/told'
GHOSTROLL_RESERVE_MB=0
`;

/** Makes the cards, boots, fills those that only a kernel can fill, and installs GhostRoll, `wasIn` being in the SD slot. */
export async function openRig<Label extends string>(
  folder: string,
  plans: Readonly<Record<Label, CardPlan>>,
  wasIn?: Label,
): Promise<Rig<Label>> {
  const disks = {
    library: join(folder, "library"),
    swap: join(folder, "swap"),
    other: join(folder, "other"),
  };
  for (const [disk, mb] of [
    [disks.library, LIBRARY_MB],
    [disks.swap, 16],
    [disks.other, 16],
  ] as const) {
    await (await open(disk, "wx")).close();
    await truncate(disk, mb * MB);
  }
  await runOnHost("mkfs.ext4", "-q", "-L", "library", disks.library);
  await runOnHost("mkfs.ext4", "-q", "-L", "other", disks.other);
  await runOnHost("mkswap", "-L", "swap", disks.swap);
  await writeFile(join(folder, "settings"), SETTINGS);
  const labels = Object.keys(plans) as Label[];
  for (const [index, label] of labels.entries()) await drawCard(folder, label, plans[label], index * 100);

  const startMs = performance.now();
  const guest = await bootGuest(folder, disks);
  try {
    const bootedMs = performance.now();
    const sockets = openSockets(guest.monitor);
    const cards: Partial<Record<Label, Card>> = {};
    for (const label of labels) {
      const [image, files] = [join(folder, `${label}.img`), join(folder, label)];
      if (plans[label].filesystem === "exfat") await fill(guest, sockets, label, image, files);
      const contents = new Set((await hashesBelow(files)).values());
      const { pictures, films = [] } = plans[label];
      const tiles = pictures + films.length;
      cards[label] = { label, image, files, tiles, contents, imageHash: await imageHash(image) };
    }
    if (wasIn !== undefined) await sockets.insert("slot", join(folder, `${wasIn}.img`));
    const filledMs = performance.now();
    await guest.run(
      `install -D -m 600 /host${folder}/settings /etc/ghostroll/ghostroll.env && /opt/ghostroll/bin/ghostroll install`,
      INSTALL_MS,
    );
    return {
      folder,
      guest,
      sockets,
      cards: cards as Record<Label, Card>,
      tookMs: { boot: bootedMs - startMs, install: performance.now() - filledMs },
      async library() {
        await guest.run("systemctl stop ghostroll.service && umount /var/lib/ghostroll");
        await guest.close();
        const copy = join(folder, "library-copy");
        await mkdir(copy);
        await runOnHost("debugfs", "-R", `rdump / ${copy}`, disks.library);
        return copy;
      },
      close: guest.close,
    };
  } catch (error) {
    await guest.close();
    throw error;
  }
}

async function drawCard(folder: string, label: string, plan: CardPlan, first: number): Promise<void> {
  const files: Record<string, Uint8Array> = {};
  for (let n = 0; n < plan.pictures; n++)
    files[`DCIM/100CANON/IMG_${String(n).padStart(4, "0")}.JPG`] = await picture(first + n);
  for (const [n, mb] of (plan.films ?? []).entries())
    files[`DCIM/100CANON/MVI_${String(n).padStart(4, "0")}.MOV`] = noise(first + n, mb * MB);
  const source = await makeCard(join(folder, label), files);
  await formatCard({ ...plan, image: join(folder, `${label}.img`), label, files: source });
}

/** Bytes that repeat nowhere and are the same at every run: a small generator (xorshift32) is noise enough. */
function noise(seed: number, bytes: number): Uint8Array {
  const words = new Uint32Array(bytes / 4);
  let state = seed + 1;
  for (let n = 0; n < words.length; n++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[n] = state;
  }
  return new Uint8Array(words.buffer);
}

async function fill(
  guest: Guest,
  sockets: Sockets,
  name: string,
  image: string,
  files: string,
): Promise<void> {
  await sockets.plug(name, image);
  const device = `/dev/disk/by-id/usb-QEMU_QEMU_HARDDISK_${name}-0:0`;
  await guest.run(`for _ in $(seq 600); do [ -e ${device} ] && break; sleep 0.1; done; udevadm settle
    part=${device}-part1; [ -e $part ] || part=${device}
    mkdir -p /fill && mount -t exfat $part /fill && cp -r --preserve=timestamps /host${files}/. /fill && umount /fill`);
  await sockets.pull(name);
}

/** Fails unless a card's bytes are what they were before anybody plugged it in. */
export async function assertUntouched({ image, label, imageHash: before }: Card): Promise<void> {
  assert.equal(await imageHash(image), before, `${label} was written to`);
}
