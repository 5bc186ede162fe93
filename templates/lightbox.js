/**
 * @typedef {{
 *   position: number,
 *   source: import("./source.js").Source,
 *   wall: import("./wall.js").Wall,
 *   live: import("./live.js").Live,
 *   words: import("../src/gallery/format.ts").ScriptWords,
 *   altOf: typeof import("./tiles.js").altOf,
 *   formatter: typeof import("./tiles.js").formatter,
 *   make: typeof import("./tiles.js").make,
 * }} Context
 */

/**
 * Shows photos one by one, beginning with the one at `position`. Back and Escape close it; the focus then stands on the
 * tile of the photo that was seen last.
 * @param {typeof import("photoswipe").default} PhotoSwipe @param {Context} context
 */
export function openLightbox(PhotoSwipe, { position, source, wall, live, words, altOf, formatter, make }) {
  /** Positions of the photos that have a picture. */
  const pictures = () => [...source.aspects().keys()].filter((at) => source.aspects()[at]);
  const day = formatter({ weekday: "short", day: "numeric", month: "short", year: "numeric" });
  const clock = formatter({ hour: "2-digit", minute: "2-digit" });
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const viewer = new PhotoSwipe({
    index: pictures().indexOf(position),
    loop: false,
    bgOpacity: 1,
    preload: [1, 2],
    returnFocus: false,
    showHideAnimationType: isCalm ? "none" : "zoom",
    wheelToZoom: true,
    closeTitle: words.close,
    zoomTitle: words.zoom,
    arrowPrevTitle: words.previous,
    arrowNextTitle: words.next,
    errorMsg: words.notLoaded,
  });
  /** Where the photo on the screen stands, and how many there were when that was looked up. */
  let place = position;
  let count = source.aspects().length;
  const healed = new Set();
  /** @returns {import("../src/gallery/format.ts").Entry | undefined} */
  const shown = () => viewer.currSlide?.data["entry"];

  viewer.addFilter("numItems", () => pictures().length);
  viewer.addFilter("itemData", (_, at) => slideOf(at));
  viewer.addFilter(
    "thumbEl",
    (_, __, at) => wall.tile(pictures()[at] ?? -1)?.querySelector("img") ?? fallback(),
  );
  viewer.on("loadError", ({ slide }) => {
    const [hash] = slide.data["entry"] ?? [];
    if (healed.has(hash)) return;
    healed.add(hash);
    live.heal().then(() => viewer.isDestroying || viewer.refreshSlideContent(slide.index));
  });
  viewer.on("uiRegister", () => {
    viewer.ui?.registerElement({
      name: "caption",
      className: "pswp__caption pswp__hide-on-close",
      order: 9,
      isButton: false,
      appendTo: "root",
      onInit(element) {
        element.setAttribute("aria-live", "polite");
        viewer.on("change", () => element.replaceChildren(...captionOf(shown())));
      },
    });
  });

  /** @param {number} at */
  function slideOf(at) {
    const its = pictures()[at] ?? 0;
    const entry = source.entry(its);
    if (!entry) {
      source.load(its).then(
        () => viewer.isDestroying || viewer.refreshSlideContent(at),
        () => undefined,
      );
      return { html: " " };
    }
    return {
      src: source.picture(entry, "share"),
      msrc: source.picture(entry, "thumb"),
      width: entry[5],
      height: entry[6],
      alt: altOf(its, entry),
      thumbCropped: true,
      entry,
    };
  }

  /** @param {import("../src/gallery/format.ts").Entry | undefined} entry */
  function captionOf(entry) {
    if (!entry) return [];
    const [, , , , seconds, , , name, exposure, camera, lens, kind = "", note = ""] = entry;
    const ms = (seconds ?? 0) * 1000;
    const when = seconds === null ? "" : `${day.format(ms).replaceAll(",", "")}, ${clock.format(ms)}`;
    const lines = [
      [when, name],
      [camera, lens, exposure],
      [kind, note],
    ];
    return lines
      .map((line) => line.filter((part) => part).join(" · "))
      .filter((line) => line)
      .map((line) => make("p", "", line));
  }

  viewer.on("change", () => {
    place = pictures()[viewer.currIndex] ?? place;
  });

  /** Finds the photo on the screen again after others came in, perhaps before it: it stays, and its neighbors are the new ones. */
  async function follow() {
    const entry = shown();
    const added = source.aspects().length - count;
    const before = place;
    for (let at = before; entry && at <= before + added; at++) {
      await source.load(at).catch(() => undefined);
      // Somebody turned on meanwhile, or is just doing it: that photo is looked for instead.
      if (viewer.isDestroying) return;
      if (shown() !== entry || viewer.mainScroll.isShifted()) {
        setTimeout(follow, 100);
        return;
      }
      if (source.entry(at)?.[0] !== entry[0]) continue;
      place = at;
      break;
    }
    count = source.aspects().length;
    moveTo(pictures().indexOf(place));
  }

  /**
   * Gives the photo on the screen another index without a new slide, and builds its neighbors again.
   * @param {number} index
   */
  function moveTo(index) {
    const { currSlide, contentLoader, mainScroll, currIndex } = viewer;
    if (!currSlide || index < 0) return;
    // More than are ever remembered, under the indexes of before.
    for (let far = -9; far <= 9; far++) if (far !== 0) contentLoader.removeByIndex(currIndex + far);
    currSlide.index = index;
    currSlide.content.index = index;
    viewer.currIndex = index;
    viewer.potentialIndex = index;
    mainScroll.itemHolders.forEach((holder, at) => {
      if (at !== 1) viewer.setContent(holder, index + at - 1, true);
    });
    viewer.dispatch("change");
  }

  /** PhotoSwipe fades when it gets no thumbnail; its type only knows elements. */
  const fallback = () => /** @type {HTMLElement} */ (/** @type {unknown} */ (undefined));

  let isBack = false;
  const leave = () => {
    isBack = true;
    viewer.close();
  };
  history.scrollRestoration = "manual";
  history.pushState({ isViewing: true }, "");
  addEventListener("popstate", leave);
  addEventListener("galleryend", leave);
  addEventListener("galleryshow", follow);

  viewer.on("close", () => {
    removeEventListener("popstate", leave);
    removeEventListener("galleryend", leave);
    removeEventListener("galleryshow", follow);
    if (!isBack) history.back();
    wall.reveal(place);
  });
  viewer.init();
  viewer.element?.setAttribute("aria-label", words.viewer);
  viewer.element?.setAttribute("aria-modal", "true");
  const behind = [...document.body.children].filter((element) => element !== viewer.element);
  for (const element of behind) element.toggleAttribute("inert", true);
  viewer.on("destroy", () => {
    for (const element of behind) element.removeAttribute("inert");
    history.scrollRestoration = "auto";
    wall.tile(place)?.focus({ preventScroll: true });
  });
}
