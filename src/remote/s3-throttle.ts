import { Readable } from "node:stream";
import type { S3 } from "@aws-sdk/client-s3";
import type { Meter } from "../flow/meter.ts";

/** Sent at once: small enough that many uploads take turns at 1 Mbit/s, large enough to cost nothing at a gigabit. */
const SLICE_BYTES = 16 * 1024;

/**
 * Lets bodies go out only as fast as the meter allows, those of parts and of whole objects, and each time they are sent again. It comes
 * after signing and repeating, which see the body as the Buffer it is: a stream would be signed and sent otherwise.
 */
export function throttle(client: S3, meter: Meter): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const request = args.request as { readonly body?: unknown };
      const { body } = request;
      if (!Buffer.isBuffer(body) || body.length === 0) return next(args);
      const slowed = Object.create(request, {
        body: { value: Readable.from(slices(body, meter)), enumerable: true },
      }) as object;
      return next({ ...args, request: slowed });
    },
    { step: "deserialize", name: "throttle", priority: "low" },
  );
}

async function* slices(body: Buffer, meter: Meter): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += SLICE_BYTES) {
    const slice = body.subarray(at, at + SLICE_BYTES);
    await meter.take(slice.length);
    yield slice;
  }
}
