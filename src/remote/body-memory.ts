/** What is kept for the next body: eight photos on their way, or four parts of films. */
const SPARE_BYTES = 32 * 1024 * 1024;
/** Without a body for so long, nothing is kept: a daemon waits for days. */
const IDLE_MS = 10_000;
/** Thumbs share a size with each other. */
const SMALLEST_BYTES = 64 * 1024;

/** Where the bytes of bodies are while they are sent. */
export interface BodyMemory {
  /** At least so many bytes, with anything in them. */
  take(sizeBytes: number): Buffer;
  /**
   * Takes back what `take` gave, or a piece of it; anything else is left alone. Only what the store has taken in may come back: else a
   * request that is still under way could send what a later body has put there.
   */
  giveBack(piece: Buffer): void;
}

/**
 * Memory that is used again. New buffers for every body made V8 look through all it holds for each 16 MB that was sent. What is not given back, as after a failure, is left to V8 as ever.
 */
export function openBodyMemory(idleMs = IDLE_MS): BodyMemory {
  const lent = new WeakSet<ArrayBufferLike>();
  const spare: ArrayBufferLike[] = [];
  let spareBytes = 0;
  let idle: NodeJS.Timeout | null = null;
  const forget = () => {
    spare.length = 0;
    spareBytes = 0;
    idle = null;
  };
  return {
    take(sizeBytes) {
      const wanted = Math.max(SMALLEST_BYTES, 2 ** Math.ceil(Math.log2(sizeBytes)));
      const at = spare.findLastIndex(({ byteLength }) => byteLength === wanted);
      const [kept] = at === -1 ? [] : spare.splice(at, 1);
      spareBytes -= kept?.byteLength ?? 0;
      const memory = kept ?? Buffer.allocUnsafeSlow(wanted).buffer;
      lent.add(memory);
      return Buffer.from(memory);
    },
    giveBack({ buffer }) {
      if (!lent.delete(buffer)) return;
      spare.push(buffer);
      spareBytes += buffer.byteLength;
      // After films come photos, and none of them needs what those did.
      while (spareBytes > SPARE_BYTES) spareBytes -= spare.shift()?.byteLength ?? 0;
      idle ??= setTimeout(forget, idleMs).unref();
      idle.refresh();
    },
  };
}
