import type { Credentials, FoundCredentials } from "./credentials.ts";
import { linkCredentials } from "./credentials.ts";
import type { SettingName, Values } from "./settings.ts";
import { textAccounts } from "./texts.ts";

/** Every setting, grouped by who needs it: a room gets its slice, never the whole. */
export interface Settings extends ReturnType<typeof slice> {
  readonly values: Values;
  /** Where each value comes from. */
  readonly origins: Readonly<Record<SettingName, "flag" | "environment" | ".env" | "profile" | "default">>;
  readonly credentialsOrigin: FoundCredentials["origin"];
  /** Sentences for the person who runs it: nothing is wrong enough to stop. */
  readonly warnings: readonly string[];
}

const MEGABYTE = 1_000_000;
const SECOND_MS = 1000;

/** The values under the names and in the units the rooms use. */
export function slice(values: Values, credentials: Credentials | null) {
  // Galleries of mode `lan` stay on this machine, whatever else a bucket is named for.
  const bucket = values.SHARE === "lan" ? null : values.S3_BUCKET;
  return {
    library: {
      baseDir: values.BASE_DIR,
      dbPath: values.DB_PATH,
      reserveBytes: values.RESERVE_MB * MEGABYTE,
      copyWorkers: values.COPY_WORKERS,
      secondDir: values.SECOND_DIR,
      verifySource: values.VERIFY_SOURCE,
    },
    cards: {
      atOnce: values.CARDS_AT_ONCE,
      mountRoots: values.MOUNT_ROOTS,
      labels: values.CARD_LABELS,
      rescan: values.RESCAN,
    },
    drop: { folder: values.DROP_DIR, quietMs: values.DROP_QUIET_SECONDS * SECOND_MS },
    pictures: {
      share: { maxLongEdge: values.SHARE_MAX_LONG_EDGE, quality: values.SHARE_QUALITY },
      thumb: { maxLongEdge: values.THUMB_MAX_LONG_EDGE, quality: values.THUMB_QUALITY },
      workers: values.PROCESS_WORKERS,
      timeoutMs: values.RENDER_TIMEOUT_SECONDS * SECOND_MS,
      maxMegapixels: values.MAX_MEGAPIXELS,
    },
    store: {
      bucket,
      prefix: values.S3_PREFIX_ROOT.replace(/^\/+|\/+$/g, ""),
      endpoint: values.S3_ENDPOINT,
      region: values.S3_REGION,
      forcePathStyle: values.S3_FORCE_PATH_STYLE,
      credentials,
      linkCredentials: linkCredentials(values),
      expirySeconds: values.PRESIGN_EXPIRY_SECONDS,
      uploadWorkers: values.UPLOAD_WORKERS,
      uploadBytesPerSecond: values.UPLOAD_MBPS === 0 ? null : (values.UPLOAD_MBPS * MEGABYTE) / 8,
      // Without a bucket they would be copied onto the disk they are on.
      originals: bucket === null ? "none" : values.UPLOAD_ORIGINALS,
    },
    share: { mode: values.SHARE, bucket: values.SHARE_BUCKET, url: values.SHARE_URL },
    web: { host: values.WEB_HOST, port: values.WEB_PORT, url: values.WEB_URL },
    notify: { onEvent: values.ON_EVENT, texts: textAccounts(values) },
    gallery: {
      title: values.GALLERY_TITLE,
      zips: values.ZIPS,
      hasPreview: values.LINK_PREVIEW,
      sharing: values.GALLERY === null ? null : { gallery: values.GALLERY.trim(), station: values.STATION },
    },
    log: { level: values.LOG_LEVEL },
  } as const;
}
