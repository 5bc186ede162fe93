import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { access, constants, lstat, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { examineCatalog } from "../catalog/examine.ts";
import { passedOn } from "../config/environment.ts";
import type { Settings } from "../config/slices.ts";
import { bytesInWords, count } from "../domain/amounts.ts";
import { diskTrouble } from "../domain/device-error.ts";
import { Failure } from "../domain/failure.ts";
import { hasSessions } from "../library/survey.ts";
import type { Check } from "./check.ts";
import { advice, bad, good } from "./check.ts";
import type { Command } from "./cli.ts";
import type { Context } from "./context.ts";
import { say } from "./context.ts";
import { aboutStore } from "./doctor-store.ts";
import { SERVICE_UNIT } from "./system-files.ts";

/** `ghostroll doctor`: looks whether everything is as it should be. Changes nothing. Returns 0, or 3 when something is wrong. */
export async function doctor(
  { json, settings: overrides }: Extract<Command, { name: "backup" | "doctor" }>,
  context: Context,
): Promise<number> {
  const checks = await examine(overrides, context);
  const exitCode = checks.every(({ isOk }) => isOk) ? 0 : 3;
  if (json) say(context.out, JSON.stringify({ checks, exitCode }, null, 2));
  else
    for (const { check, isOk, says, fix } of checks)
      say(
        context.out,
        `${isOk ? (fix === null ? "✔" : "•") : "✖"} ${check}: ${says}`,
        ...(fix === null ? [] : [`    ${fix}`]),
      );
  return exitCode;
}

async function examine(overrides: Readonly<Record<string, string>>, context: Context): Promise<Check[]> {
  let settings: Settings;
  try {
    settings = context.settings(overrides);
  } catch (error) {
    // Everything else depends on them.
    if (error instanceof Failure) return [bad("settings", error.message, error.policy.hint)];
    throw error;
  }
  const { library } = settings;
  const disk = await aboutDisk(library);
  const isReachable = disk.every(({ check, isOk }) => check !== "library" || isOk);
  return [
    good("settings", "valid"),
    ...disk,
    ...(isReachable ? await aboutCatalog(library) : []),
    ...(await aboutStore(settings, context.signal)),
    aboutClock(Date.now()),
    ...(await aboutMachine()),
    ...(await aboutMemory()),
  ];
}

async function aboutDisk({ baseDir, reserveBytes }: Settings["library"]): Promise<Check[]> {
  const folder = nearestFolder(baseDir);
  const isThere = folder === baseDir;
  try {
    // Only a write shows a disk that fails. A library that is not there yet is not made by a look.
    if (isThere) await tryWriting(folder);
    else await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const trouble = diskTrouble(error);
    if (trouble === null) throw error;
    const fix = "Let this user write there, or set GHOSTROLL_BASE_DIR to another folder.";
    return [bad("library", `nothing can be written to ${baseDir}: ${trouble.words}`, fix)];
  }
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  const space = `${bytesInWords(freeBytes)} free, ${bytesInWords(reserveBytes)} kept in reserve`;
  return [
    good("library", isThere ? `${baseDir} can be written to` : `${baseDir} is made for the first card`),
    freeBytes > reserveBytes
      ? good("space", space)
      : bad("space", space, "No card can be taken in: free some space, or use a larger disk."),
  ];
}

/** The path itself or, where it is not there, the nearest one above it that is. */
function nearestFolder(path: string): string {
  let at = path;
  while (!existsSync(at) && at !== dirname(at)) at = dirname(at);
  return at;
}

async function tryWriting(folder: string): Promise<void> {
  const trial = join(folder, `.doctor-${process.pid}.tmp`);
  await writeFile(trial, "", { flag: "wx", flush: true });
  await rm(trial);
}

async function aboutCatalog({ baseDir, dbPath }: Settings["library"]): Promise<Check[]> {
  const rebuild = "`ghostroll rebuild` makes it again from the library; nothing is lost by that.";
  let catalog: ReturnType<typeof examineCatalog>;
  try {
    catalog = examineCatalog(dbPath);
  } catch (error) {
    if (error instanceof Failure) return [bad("catalog", error.message, rebuild)];
    throw error;
  }
  if (catalog === null)
    return [
      (await hasSessions(baseDir))
        ? bad("catalog", `${dbPath} is missing, but the library has sessions`, rebuild)
        : good("catalog", "none yet: no card was taken in"),
    ];
  try {
    const problems = catalog.problems();
    const { sessions, originals, bytes, findings } = catalog.counts();
    if (sessions === 0 && (await hasSessions(baseDir)))
      return [bad("catalog", `${dbPath} is empty, but the library has sessions`, rebuild)];
    let [missing, first] = [0, ""];
    for (const page of catalog.originals()) {
      const are = await Promise.all(
        page.map(({ path, sizeBytes }) => isThere(join(baseDir, path), sizeBytes)),
      );
      const gone = page.filter((_, index) => are[index] === false);
      first ||= gone[0]?.path ?? "";
      missing += gone.length;
    }
    return [
      problems.length === 0
        ? good("catalog", "sound")
        : bad("catalog", `damaged: ${problems.slice(0, 3).join("; ")}`, rebuild),
      missing === 0
        ? good(
            "originals",
            `${count(originals, "original")} (${bytesInWords(bytes)}), each there with its size`,
          )
        : bad(
            "originals",
            `${missing} of ${originals} are not there with their sizes, the first is ${first}`,
            "`ghostroll verify --repair` puts good copies back where there are any.",
          ),
      ...(findings === 0
        ? []
        : [
            bad(
              "scrub",
              `${count(findings, "original")} not as kept when last read back`,
              "`ghostroll verify` names them, with --repair puts good copies back. Check the disk.",
            ),
          ]),
    ];
  } catch (error) {
    if (error instanceof Failure) return [bad("catalog", error.message, rebuild)];
    throw error;
  } finally {
    catalog.close();
  }
}

async function isThere(path: string, sizeBytes: number): Promise<boolean> {
  try {
    const stats = await lstat(path);
    return stats.isFile() && stats.size === sizeBytes;
  } catch {
    return false;
  }
}

/** When this was written: a clock before it is wrong. */
const WRITTEN_MS = Date.UTC(2026, 0, 1);
const FAR_MS = Date.UTC(2100, 0, 1);

function aboutClock(nowMs: number): Check {
  const says = new Date(nowMs).toISOString().slice(0, 16).replace("T", " ");
  if (nowMs >= WRITTEN_MS && nowMs < FAR_MS) return good("clock", `${says} UTC`);
  return bad(
    "clock",
    `${says} UTC cannot be right`,
    "Stores refuse what is signed with a wrong time: set the clock, or connect the machine to a network that has the time.",
  );
}

const run = promisify(execFile);

/** Bits of `vcgencmd get_throttled`: too little voltage now, and at some time since the start (Raspberry Pi documentation). */
const UNDER_VOLTAGE = 0x1_0001;

async function aboutMachine(): Promise<Check[]> {
  const tools: readonly (readonly [string, string])[] = [
    ["lsblk", "Cards in readers without a mount point are not seen. Install it: apt-get install util-linux"],
    [
      "dd",
      "On some filesystems copies cannot be proved past the memory. Install it: apt-get install coreutils",
    ],
  ];
  const lacking = tools.filter(([tool]) => !isInstalled(tool));
  const checks = lacking.map(([tool, fix]) => bad("tools", `${tool} is missing`, fix));
  if (lacking.length === 0) checks.push(good("tools", tools.map(([tool]) => tool).join(", ")));
  const power = await run("vcgencmd", ["get_throttled"], { env: passedOn() }).catch(() => null);
  const bits = Number(/0x[0-9a-f]+/i.exec(power?.stdout ?? "")?.[0]);
  // Only a Raspberry Pi can tell.
  if (Number.isNaN(bits)) return checks;
  return [
    ...checks,
    (bits & UNDER_VOLTAGE) === 0
      ? good("power", "enough")
      : bad(
          "power",
          "there was too little voltage since the start",
          "Use the power supply made for this Raspberry Pi: disks and cards fail without enough power.",
        ),
  ];
}

/** What the unit's `MemoryMax=` needs. Raspberry Pi OS switches it off (raspberrypi/linux#6980). */
async function aboutMemory(): Promise<Check[]> {
  const controllers = await readFile("/sys/fs/cgroup/cgroup.controllers", "utf8").catch(() => null);
  if (!existsSync(SERVICE_UNIT) || controllers === null) return [];
  if (controllers.split(/\s/).includes("memory")) return [good("memory", "the service is held to its share")];
  return [
    advice(
      "memory",
      "this machine cannot hold the service to its share of it",
      "On a Raspberry Pi: add cgroup_enable=memory to the line in /boot/firmware/cmdline.txt, and restart it.",
    ),
  ];
}

function isInstalled(tool: string): boolean {
  const folders = [...(passedOn()["PATH"] ?? "").split(":"), "/usr/bin", "/bin"];
  return folders.some((folder) => folder !== "" && existsSync(join(folder, tool)));
}
