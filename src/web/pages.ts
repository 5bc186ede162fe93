import { createHash } from "node:crypto";

const STYLE = `
  :root { color-scheme: light dark }
  body { display: grid; place-content: center; min-height: 90vh; margin: 0 1.5rem; text-align: center;
    font: 1.0625rem/1.5 system-ui, sans-serif }
  h1 { font-size: 1.375rem; margin: 0 0 .5rem }
  p { margin: 0; max-width: 34rem; opacity: .75 }
`;

/** Every page the server writes itself, by the status it is sent with. They tell a stranger nothing. */
export const PAGES = {
  200: write("GhostRoll is running", "Plug in a card: it is copied, proved and shown."),
  403: write(
    "This gallery is not available",
    "The link may have expired or been cut short. Ask the person who sent it for a new one.",
  ),
  404: write("Nothing is here", "The link may be cut short. Open it again from the message it came in."),
  405: write("That cannot be done here", "This server only shows pictures."),
  500: write("Something went wrong", "Please try again in a moment."),
} as const satisfies Record<number, string>;

export type PageName = keyof typeof PAGES;

/** Our own pages hold one style and nothing else; no script, no frame, no other site. */
export const OWN_PAGE_HEADERS = {
  "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-store",
} as const;

function write(title: string, sentence: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} – GhostRoll</title>
<style>${STYLE}</style>
</head>
<body>
<main><h1>${title}</h1><p>${sentence}</p></main>
</body>
</html>
`;
}
