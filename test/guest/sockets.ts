import { setTimeout as delay } from "node:timers/promises";
import type { Monitor } from "./qmp.ts";

interface Stick {
  /** Reads take as long as they would at that speed. */
  readonly bytesPerSecond?: number;
  /** The lock switch. */
  readonly isLocked?: boolean;
  /** Sectors that give I/O errors. */
  readonly badSectors?: readonly number[];
}

/** The guest's USB and SD sockets, and the hand that puts cards into them. */
export interface Sockets {
  /** Plugs a stick, or a reader with its card, into USB. Its name becomes its serial number. */
  plug(name: string, image: string, stick?: Stick): Promise<void>;
  /** Pulls it, whatever goes on. */
  pull(name: string): Promise<void>;
  /** Puts a card into the reader or the slot that is always there. */
  insert(into: "reader" | "slot", image: string, bytesPerSecond?: number): Promise<void>;
  eject(from: "reader" | "slot"): Promise<void>;
  /** Takes the card out of one and puts another one in, as fast as a hand can. */
  swap(into: "reader" | "slot", image: string): Promise<void>;
}

/** A pulled stick's last requests take a moment to come to their end. */
const LAST_REQUESTS_MS = 5_000;

/**
 * Without a card between two: no hand is quicker. Where two change places at once below a read, the kernel resets the reader,
 * without any sign of another medium.
 */
const SWAP_MS = 300;

export function openSockets(monitor: Monitor): Sockets {
  const sockets: Sockets = {
    async plug(name, image, { bytesPerSecond, isLocked = false, badSectors = [] } = {}) {
      const file = { driver: "file", filename: image, "read-only": isLocked };
      let node: object = { driver: "raw", "read-only": isLocked, file };
      if (bytesPerSecond !== undefined) {
        const limits = { "bps-read": bytesPerSecond };
        await monitor("object-add", { "qom-type": "throttle-group", id: `speed-${name}`, limits });
        node = { driver: "throttle", "throttle-group": `speed-${name}`, "read-only": isLocked, file: node };
      }
      if (badSectors.length > 0) {
        const bad = { event: "none", iotype: "read", errno: 5, once: false, immediately: false };
        const errors = badSectors.map((sector) => ({ ...bad, sector }));
        node = { driver: "blkdebug", "inject-error": errors, image: node };
      }
      await monitor("blockdev-add", { ...node, "node-name": name });
      const device = { driver: "usb-storage", bus: "usb.0", id: `stick-${name}`, drive: name };
      await monitor("device_add", { ...device, removable: true, serial: name });
    },
    async pull(name) {
      await monitor("device_del", { id: `stick-${name}` });
      const untilMs = performance.now() + LAST_REQUESTS_MS;
      const remove = async (): Promise<unknown> =>
        monitor("blockdev-del", { "node-name": name }).catch(async (error: unknown) => {
          if (performance.now() > untilMs) throw error;
          await delay(50);
          return remove();
        });
      await remove();
      await monitor("object-del", { id: `speed-${name}` }).catch(() => {});
    },
    async insert(into, image, bytesPerSecond = 0) {
      const never = { iops: 0, iops_rd: 0, iops_wr: 0, bps: 0, bps_wr: 0 };
      // The kernel locks a mounted medium in; only a drive with a door would heed it.
      const medium = { device: into, filename: image, format: "raw", force: true };
      await monitor("blockdev-change-medium", medium);
      // Zero is as fast as it can.
      await monitor("block_set_io_throttle", { device: into, ...never, bps_rd: bytesPerSecond });
    },
    async eject(from) {
      await monitor("eject", { device: from, force: true });
    },
    async swap(into, image) {
      await sockets.eject(into);
      await delay(SWAP_MS);
      await sockets.insert(into, image);
    },
  };
  return sockets;
}
