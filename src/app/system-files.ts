/** A file of ours outside the program's own folder. */
export interface SystemFile {
  /** Where it goes. */
  readonly target: string;
  /** Where it comes from, below the program's folder. */
  readonly source: string;
  readonly mode: number;
}

/** Where the files below `systemd/` expect the program; the real folder is put in its place. */
export const EXPECTED_PROGRAM = "/opt/ghostroll";

/** It is there as long as GhostRoll is installed as a service. */
export const SERVICE_UNIT = "/etc/systemd/system/ghostroll.service";

/** Everything `ghostroll install` writes and `uninstall` removes. */
// biome-ignore format: a table reads in columns
export const SYSTEM_FILES: readonly SystemFile[] = [
  { target: "/etc/sysusers.d/ghostroll.conf",                    source: "systemd/ghostroll.sysusers",          mode: 0o644 },
  { target: "/etc/tmpfiles.d/ghostroll.conf",                    source: "systemd/ghostroll.tmpfiles",          mode: 0o644 },
  { target: SERVICE_UNIT,                                        source: "systemd/ghostroll.service",           mode: 0o644 },
  { target: "/etc/systemd/system/ghostroll-card@.service",       source: "systemd/ghostroll-card@.service",     mode: 0o644 },
  { target: "/etc/systemd/system/ghostroll-medium@.service",     source: "systemd/ghostroll-medium@.service",   mode: 0o644 },
  { target: "/etc/systemd/system/ghostroll-release.path",        source: "systemd/ghostroll-release.path",      mode: 0o644 },
  { target: "/etc/systemd/system/ghostroll-release.service",     source: "systemd/ghostroll-release.service",   mode: 0o644 },
  { target: "/etc/systemd/system/run-ghostroll-release.mount",   source: "systemd/run-ghostroll-release.mount", mode: 0o644 },
  { target: "/etc/udev/rules.d/99-ghostroll.rules",              source: "systemd/99-ghostroll.rules",          mode: 0o644 },
  { target: "/usr/local/lib/ghostroll/mount-card",               source: "systemd/mount-card",                  mode: 0o755 },
  { target: "/usr/local/bin/ghostroll",                          source: "systemd/ghostroll",                   mode: 0o755 },
];

/** The settings: written once, and from then on the user's. They hold keys, so nobody else may read them. */
export const SETTINGS_FILE: SystemFile = {
  target: "/etc/ghostroll/ghostroll.env",
  source: ".env.example",
  mode: 0o600,
};

export const LIBRARY_DIR = "/var/lib/ghostroll";
/** Code compiled at earlier starts; it comes back by itself. */
export const CACHE_DIR = "/var/cache/ghostroll";
/** What the service and mount-card write down in memory: settings with their keys, and notes about cards. */
export const RUNTIME_NOTES = [
  "/run/ghostroll/settings.env",
  "/run/ghostroll/media",
  "/run/ghostroll/locks",
] as const;
/** Where cards are mounted, and asked to be unmounted; the inner ones first. */
export const RUNTIME_DIRS = ["/run/ghostroll/cards", "/run/ghostroll/release", "/run/ghostroll"] as const;
