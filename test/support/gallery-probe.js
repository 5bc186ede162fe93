// Runs in the page before anything else and looks at it from inside, as `probe`.

let shifts = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    shifts += /** @type {PerformanceEntry & { value: number }} */ (entry).value;
}).observe({ type: "layout-shift", buffered: true });

const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

const probe = {
  /** Sum of all layout shifts so far, those right after an input included. */
  shifts: () => shifts,

  isSettled() {
    const isLaidOut = document.querySelector(".b[style]") !== null;
    return (
      isLaidOut &&
      [...document.images].every(({ complete, naturalWidth, loading }) =>
        complete ? naturalWidth > 0 : loading === "lazy",
      )
    );
  },

  /** Position of the first photo that is on the screen. */
  topPhoto() {
    const tiles = [...document.querySelectorAll("#wall [data-i]")];
    return Number(
      tiles.find((tile) => tile.getBoundingClientRect().bottom > 0)?.getAttribute("data-i") ?? -1,
    );
  },

  /** Key of the picture that the first photo on the screen leads to. */
  topLink() {
    const tile = document.querySelector(`#wall [data-i="${probe.topPhoto()}"]`);
    return tile?.getAttribute("href")?.split("?")[0] ?? "";
  },

  /** @param {string} selector */
  text: (selector) => document.querySelector(selector)?.textContent ?? "",

  /** @param {string} selector */
  countOf: (selector) => document.querySelectorAll(selector).length,

  /** Where elements are in the page, in document order. @param {string} selector */
  boxes: (selector) =>
    [...document.querySelectorAll(selector)].map((element) => {
      const { top, bottom, left } = element.getBoundingClientRect();
      return { top: top + scrollY, bottom: bottom + scrollY, left };
    }),

  /** @param {string} counter */
  isViewing(counter) {
    const slides = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".pswp__item")]);
    // The neighbors are shown, and keys are listened to, when it has opened in full.
    const isOpen = slides.length > 0 && slides.every(({ style }) => style.display === "block");
    return isOpen && probe.text(".pswp__counter").trim() === counter;
  },

  isClosed: () => document.querySelector(".pswp") === null,

  /** Whether the picture in the middle of the lightbox is there in full. */
  isPictureShown() {
    const image = document.querySelector(
      ".pswp__item[aria-hidden='false'] img.pswp__img:not(.pswp__img--placeholder)",
    );
    return image instanceof HTMLImageElement && image.complete && image.naturalWidth > 0;
  },

  /** @param {number} position */
  isOnScreen(position) {
    const place = document.querySelector(`[data-i="${position}"]`)?.getBoundingClientRect();
    return place !== undefined && place.bottom > 0 && place.top < innerHeight;
  },

  /** Where the photos on the screen are, by position. */
  places() {
    const tiles = [...document.querySelectorAll("[data-i]")];
    return tiles.map((tile) => {
      const { top, left, width, height } = tile.getBoundingClientRect();
      return { photo: Number(tile.getAttribute("data-i")), top, left, width, height };
    });
  },

  /** Scrolls from top to bottom and looks at every step: what stands there, how much there is, where blocks end. */
  async scrollThrough() {
    const photos = new Set(["0"]);
    let nodes = 0;
    let heightErrorPx = 0;
    let blankScreens = 0;
    const isFilled = () => !document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest(".b:empty");
    for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight * 4) {
      scrollTo(0, y);
      await frame();
      for (let wait = 0; wait < 100 && !isFilled(); wait++) await frame();
      if (!isFilled()) blankScreens++;
      nodes = Math.max(nodes, document.querySelectorAll("*").length);
      for (const block of document.querySelectorAll(".b:not(:empty)")) {
        const bottom = block.lastElementChild?.getBoundingClientRect().bottom ?? 0;
        heightErrorPx = Math.max(heightErrorPx, Math.abs(bottom - block.getBoundingClientRect().bottom));
        for (const tile of block.children) photos.add(tile.getAttribute("data-i") ?? "");
      }
    }
    await frame();
    return { nodes, heightErrorPx, photos: photos.size, blankScreens };
  },
};

Object.assign(window, { probe });

/** @typedef {typeof probe} Probe */
