/** No content has it: an MD5, which most stores take for a tag, of zeros alone. */
const NO_TAG = `"${"0".repeat(32)}"`;

/**
 * Whether a store keeps to the conditions of a write: `tag` is that of what is under a key, and `replace` writes there if it is still
 * the tag it is given; `null`: if nothing is there. A store that lets two win would lose what one of them wrote, silently.
 */
export async function keepsConditions(
  tag: string,
  replace: (tag: string | null) => Promise<boolean>,
): Promise<boolean> {
  const [overSomething, overAnother, overTheSame] = [
    await replace(null),
    await replace(NO_TAG),
    await replace(tag),
  ];
  return !overSomething && !overAnother && overTheSame;
}
