import assert from "node:assert/strict";
import type { Chunk, Index } from "../../src/gallery/format.ts";

/** Every address that whoever has the link of a gallery can learn from it: its own, those in its pages, index and chunks. */
export async function addressesIn(link: string): Promise<string[]> {
  const found = new Set([link]);
  const html = await textAt(link);
  const add = (text: string) => {
    for (const [address] of text.matchAll(/https?:\/\/[^"'\s<>]+?\/(g|assets)\/[^"'\s<>]+/g))
      if (!/^[^?]*\/$/.test(address)) found.add(address.replaceAll("&amp;", "&"));
  };
  // The policy names folders and addresses without a signature: nobody was given those as links.
  const body = html.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, "");
  add(body);
  const indexLink = [...found].find((address) => address.includes("/i.json")) ?? assert.fail("no index");
  const index = JSON.parse(await textAt(indexLink)) as Index;
  const pages = index.pages ?? index.links;
  for (const link of index.lightbox) found.add(link);
  for (const [number, [, signature]] of index.chunks.entries()) {
    const address = `${pages.folder}m/${number}.json${pages.tail}${signature}`;
    found.add(address);
    for (const [hash, thumb, share] of (JSON.parse(await textAt(address)) as Chunk).entries)
      for (const [preset, own] of [
        ["thumb", thumb],
        ["share", share],
      ] as const)
        if (hash !== "") found.add(`${index.links.folder}p/${hash}-${preset}.jpg${index.links.tail}${own}`);
  }
  return [...found];
}

async function textAt(address: string): Promise<string> {
  const answer = await fetch(address);
  assert.equal(answer.status, 200, address);
  return answer.text();
}

/** What each address answers now. */
export async function statusesOf(addresses: readonly string[]): Promise<number[]> {
  return Promise.all(
    addresses.map(async (address) => {
      const answer = await fetch(address);
      await answer.arrayBuffer();
      return answer.status;
    }),
  );
}
