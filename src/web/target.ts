/** Splits what a request line asks for. */
export function parseTarget(target: string): { path: string; query: URLSearchParams } {
  const mark = target.indexOf("?");
  if (mark < 0) return { path: target, query: new URLSearchParams() };
  return { path: target.slice(0, mark), query: new URLSearchParams(target.slice(mark + 1)) };
}

/**
 * What follows `/o/`, percent-encoded as it was sent, or `null` when it cannot be an object: every part of it is a plain
 * name, so that no way of writing `..`, a slash, a backslash or a control character leads out of the store's folder.
 */
export function objectPath(path: string): string | null {
  if (!path.startsWith("/o/")) return null;
  const object = path.slice("/o/".length);
  return object.split("/").every(isPlainName) ? object : null;
}

function isPlainName(encoded: string): boolean {
  const name = decodeName(encoded);
  // A leading dot also means hidden files, and a store has none that guests should see.
  return name !== "" && !name.startsWith(".") && !/[/\\\p{Cc}]/u.test(name);
}

function decodeName(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return ""; // Not UTF-8: no key of ours, and an empty name is refused.
  }
}
