import { make, sayCount, words } from "./tiles.js";

/** The index is asked for every five seconds while photos arrive, and ever less often when none do. */
const [POLL_MS, SLOWEST_POLL_MS] = [5000, 30_000];
/** After a minute of nothing new, a poll every 5 s only costs battery. */
const QUIET_POLLS = 12;
/** A picture that fails leads to one look at the index; many at once, or again and again, to no more than that. */
const HEAL_PAUSE_MS = 10_000;

/**
 * Keeps an open page up to date: new photos, fresh links, the end.
 * @param {import("./source.js").Source} source @param {import("./wall.js").Wall} wall
 */
export function keepUp(source, wall) {
  const news = /** @type {HTMLElement} */ (document.getElementById("news"));
  let quiet = 0;
  let timer = 0;
  let healedMs = Number.NEGATIVE_INFINITY;
  let healing = Promise.resolve();
  let seen = 0;

  function describe() {
    const index = source.index();
    const [count, until, foot] = ["count", "until", "foot"].map((id) => document.getElementById(id));
    if (!index || !count || !until || !foot) return;
    count.textContent = index.shown;
    until.textContent = index.until;
    // While more comes, what stands below the photos would be pushed down before people's eyes.
    foot.hidden = index.state !== "complete";
  }

  /** Shows what the index says now, without moving anything on the screen. */
  async function show() {
    const [before, now] = [wall.shown(), source.index()?.count ?? 0];
    const anchor = wall.anchor();
    const edges = [anchor?.position ?? 0, before - 1, now - 1].filter(
      (position) => position >= 0 && position < now,
    );
    // Without the network the photos come later; their places are known.
    await Promise.all(edges.map(source.load)).catch(() => undefined);
    wall.arrangeAll(anchor);
    dispatchEvent(new Event("galleryshow"));
    describe();
    if (before > 0 && now > before) announce(now);
    await wall.freshenAll().catch(() => undefined);
  }

  /** @param {number} count */
  function announce(count) {
    // What has no picture yet is no photo to guests.
    const sentences = source.aspects().includes(0, seen) ? words.newFiles : words.newPhotos;
    const pill = make("button", "pill", sayCount(sentences, count - seen));
    pill.addEventListener("click", () => {
      wall.goTo(seen);
      acknowledge();
    });
    news.replaceChildren(pill);
  }

  function acknowledge() {
    seen = wall.shown();
    news.replaceChildren();
  }

  async function poll() {
    const answer = await source.refresh();
    quiet = answer === "changed" ? 0 : quiet + 1;
    if (answer === "changed") await show();
    if (answer !== "gone") schedule();
  }

  function schedule() {
    clearTimeout(timer);
    if (document.hidden || source.index()?.state === "complete") return;
    timer = setTimeout(poll, Math.min(SLOWEST_POLL_MS, POLL_MS * 2 ** Math.floor(quiet / QUIET_POLLS)));
  }

  /** Fetches fresh links after a picture failed: a page may have been open for days. */
  function heal() {
    if (performance.now() - healedMs < HEAL_PAUSE_MS) return healing;
    healedMs = performance.now();
    healing = source.refresh().then(async (answer) => {
      if (answer === "changed") await show();
      // Without the network this fails as the picture did.
      if (answer === "same") await wall.freshenAll().catch(() => undefined);
    });
    return healing;
  }

  function end() {
    clearTimeout(timer);
    const message = make("main", "over", "");
    const again = /** @type {HTMLAnchorElement} */ (make("a", "", words.tryAgain));
    again.href = location.href;
    message.append(make("h1", "", words.endTitle), make("p", "", words.endText), again);
    document.body.replaceChildren(message);
    dispatchEvent(new Event("galleryend"));
  }

  addEventListener("error", ({ target }) => target instanceof HTMLImageElement && heal(), true);
  addEventListener("indexchange", show);
  addEventListener("indexgone", end);
  return {
    heal,
    /** Begins once the first photos stand. */
    begin() {
      seen = wall.shown();
      describe();
      schedule();
      document.addEventListener("visibilitychange", () => document.hidden || poll());
      addEventListener("scroll", () => {
        if (news.firstChild && wall.isReached(seen)) acknowledge();
      });
      // Pictures that failed before this script listened.
      if ([...document.images].some((image) => image.complete && !image.naturalWidth)) heal();
    },
  };
}

/** @typedef {ReturnType<typeof keepUp>} Live */
