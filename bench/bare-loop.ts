import { once } from "node:events";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";

export interface BareLoop {
  /** Makes share and thumb of all files; the threads stay. */
  run(files: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * The floor for pictures: sharp and nothing else in so many threads. `clone` is what most people write, `chain` decodes
 * once. Both make the same two pictures as GhostRoll's presets.
 */
export async function openBareLoop(threads: number, out: string, way: "clone" | "chain"): Promise<BareLoop> {
  await mkdir(out, { recursive: true });
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL("./bare-thread.ts", import.meta.url), { workerData: { out, way } }),
  );
  return {
    async run(files) {
      const queue = [...files];
      await Promise.all(
        workers.map(async (worker) => {
          for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
            worker.postMessage(file);
            await once(worker, "message");
          }
        }),
      );
    },
    async close() {
      for (const worker of workers) await worker.terminate();
    },
  };
}

// As a process of its own, to be measured with all that a process costs: bare-loop.ts THREADS OUT FOLDER. Prints its CPU seconds.
const [threads, out, folder] = process.argv.slice(2);
if (import.meta.main && threads !== undefined && out !== undefined && folder !== undefined) {
  const loop = await openBareLoop(Number(threads), out, "chain");
  await loop.run((await readdir(folder)).map((name) => join(folder, name)));
  await loop.close();
  const { user, system } = process.cpuUsage();
  console.log((user + system) / 1e6);
}
