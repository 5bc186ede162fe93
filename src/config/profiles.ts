import type { Default, PROFILE_NAMES, SettingName } from "./settings.ts";

type ProfileName = (typeof PROFILE_NAMES)[number];

/** What each kind of machine does differently from the defaults. */
export const PROFILES: Readonly<Record<ProfileName, Readonly<Partial<Record<SettingName, Default>>>>> = {
  default: {},
  /** A Raspberry Pi with 1 GB: one decoder at a time fits, and a slow card reader gains nothing from a second file. */
  conservative: {
    COPY_WORKERS: "1",
    CARDS_AT_ONCE: "2",
    PROCESS_WORKERS: "1",
    UPLOAD_WORKERS: "3",
    MAX_MEGAPIXELS: "80",
    RENDER_TIMEOUT_SECONDS: "180",
  },
  /** A PC with NVMe and a fast uplink: every core renders, since copying waits for the card anyway. */
  aggressive: {
    COPY_WORKERS: "4",
    PROCESS_WORKERS: { words: "the number of cores", from: ({ coreCount }) => String(coreCount) },
    UPLOAD_WORKERS: "16",
  },
};
