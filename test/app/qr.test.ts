import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { qrText } from "../../src/app/qr.ts";
import { lacks } from "../support/needs.ts";
import { decodeQr } from "../support/qr.ts";

const LAN_LINK =
  "http://192.168.1.20:8081/o/g/abcdefghijklmnopqrstuv/v?e=1763632800&s=abcdefghijklmnopqrstuv";
const LONG_LINK = `https://bucket.s3.eu-central-1.amazonaws.com/ghostroll/g/abcdefghijklmnopqrstuv/v?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261114T000000Z&X-Amz-Expires=604800&X-Amz-Signature=${"0123456789abcdef".repeat(4)}&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261114%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-SignedHeaders=host`;

const skip = lacks("zbarimg");

describe("QR code", () => {
  for (const [name, link, useColor] of [
    ["a link of the local network in black on white", LAN_LINK, true],
    ["a link of the local network without colors on a dark terminal", LAN_LINK, false],
    ["a signed S3 link", LONG_LINK, true],
  ] as const)
    it(`shows ${name} so that a reader decodes it`, { skip }, async () => {
      const folder = mkdtempSync(join(tmpdir(), "ghostroll-"));
      try {
        const text = qrText(link, { columns: 200, useColor });
        assert.ok(text !== null);
        assert.equal(await decodeQr(text, useColor, join(folder, "qr.png")), link);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

  it("leaves four modules free on every side", () => {
    const text = qrText(LAN_LINK, { columns: 200, useColor: true });
    const lines = stripVTControlCharacters(text ?? "").split("\n");
    assert.ok(lines.length > 20);
    assert.ok([...lines.slice(0, 2), ...lines.slice(-2)].every((line) => line.trim() === ""));
    assert.ok(lines.every((line) => line.startsWith("    ") && line.endsWith("    ")));
  });

  it("is left out when it would wrap", () => {
    const width = stripVTControlCharacters(qrText(LAN_LINK, { columns: 200, useColor: true }) ?? "").indexOf(
      "\n",
    );
    assert.notEqual(qrText(LAN_LINK, { columns: width, useColor: true }), null);
    assert.equal(qrText(LAN_LINK, { columns: width - 1, useColor: true }), null);
  });

  it("is left out when no phone could read it from a terminal", () => {
    assert.equal(qrText(`https://example.com/${"x".repeat(1200)}`, { columns: 500, useColor: true }), null);
  });
});
