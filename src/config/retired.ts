/**
 * Keys of the Python GhostRoll that an existing env file may still hold: accepted, without effect, each with a sentence that
 * says what to do instead.
 */
export const RETIRED: Readonly<Record<string, string>> = {
  HASH_WORKERS: "Files are hashed while they are copied: GHOSTROLL_COPY_WORKERS sets how many at once.",
  PRESIGN_WORKERS: "Links are signed in one go; there is nothing to set.",
  SD_LABEL: "Set GHOSTROLL_CARD_LABELS instead: it takes several labels.",
  POLL_SECONDS: "Cards are noticed as they appear; there is nothing to set.",
  UPLOAD_RAW_FILES: "Set GHOSTROLL_UPLOAD_ORIGINALS=raw instead.",
  WEB_ENABLED: "`ghostroll ingest --serve` and `--no-serve` say so for one run.",
  STATUS_PATH: "`ghostroll status --json` prints the status.",
  STATUS_IMAGE_PATH: "No status picture is drawn.",
  STATUS_IMAGE_SIZE: "No status picture is drawn.",
  EINK_ENABLE: "No e-ink panel is driven.",
  EINK_REFRESH_SECONDS: "No e-ink panel is driven.",
  EINK_WIDTH: "No e-ink panel is driven.",
  EINK_HEIGHT: "No e-ink panel is driven.",
  EINK_TEST_MODE: "No e-ink panel is driven.",
  EINK_TEST_OUTPUT: "No e-ink panel is driven.",
  WIFI_AP_FALLBACK: "The network is the system's own matter.",
  WIFI_CONNECT_TIMEOUT_SECONDS: "The network is the system's own matter.",
  WIFI_AP_SSID: "The network is the system's own matter.",
  WIFI_AP_PASSWORD: "The network is the system's own matter; remove the password from the file.",
  WIFI_AP_CON_NAME: "The network is the system's own matter.",
  WIFI_AP_IPV4: "The network is the system's own matter.",
  WIFI_PORTAL_HOST: "The network is the system's own matter.",
  WIFI_PORTAL_PORT: "The network is the system's own matter.",
  AUTO_UPDATE: "GhostRoll does not update itself.",
  GIT_REMOTE: "GhostRoll does not update itself.",
  GIT_BRANCH: "GhostRoll does not update itself.",
  GIT_SSH_COMMAND: "GhostRoll does not update itself.",
  REPO_DIR: "GhostRoll does not update itself.",
};
