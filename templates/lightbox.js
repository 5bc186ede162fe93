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
  const here = () => pictures()[viewer.currIndex] ?? position;
  const healed = new Set();

  viewer.addFilter("numItems", () => pictures().length);
  viewer.addFilter("itemData", (_, at) => slideOf(at));
  viewer.addFilter(
    "thumbEl",
    (_, __, at) => wall.tile(pictures()[at] ?? -1)?.querySelector("img") ?? fallback(),
  );
  viewer.on("loadError", ({ slide }) => {
    if (healed.has(slide.index)) return;
    healed.add(slide.index);
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
        viewer.on("change", () => element.replaceChildren(...captionOf(here())));
      },
    });
  });

  /** @param {number} at */
  function slideOf(at) {
    const place = pictures()[at] ?? 0;
    const entry = source.entry(place);
    if (!entry) {
      source.load(place).then(
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
      alt: altOf(place, entry),
      thumbCropped: true,
    };
  }

  /** @param {number} place */
  function captionOf(place) {
    const entry = source.entry(place);
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

  viewer.on("close", () => {
    removeEventListener("popstate", leave);
    removeEventListener("galleryend", leave);
    if (!isBack) history.back();
    wall.reveal(here());
  });
  viewer.init();
  viewer.element?.setAttribute("aria-label", words.viewer);
  viewer.element?.setAttribute("aria-modal", "true");
  const behind = [...document.body.children].filter((element) => element !== viewer.element);
  for (const element of behind) element.toggleAttribute("inert", true);
  viewer.on("destroy", () => {
    for (const element of behind) element.removeAttribute("inert");
    history.scrollRestoration = "auto";
    wall.tile(here())?.focus({ preventScroll: true });
  });
}
