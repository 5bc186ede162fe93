/** An upload in parts that the store has begun and not completed. */
export interface BegunUpload {
  /** The store's own name of it. */
  readonly id: string;
  /** Lower-case hex SHA-256 of the whole object. */
  readonly sha256: string;
  readonly partBytes: number;
  readonly parts: readonly StoredPart[];
}

/** A part that the store has acknowledged. */
interface StoredPart {
  /** Counts from 1. */
  readonly number: number;
  readonly sizeBytes: number;
  /** Of the bytes that were sent: a file that was misread once is not completed with the wrong part. */
  readonly sha256: string;
  readonly etag: string;
  /** CRC-32 in base64, from stores that give one; they want it back. */
  readonly crc32: string | null;
}

/**
 * Where it is written down how far uploads in parts have come, so that a restart sends only what is missing. Every method has
 * done so on return, also for a power cut. Keys are those of objects, below the store's prefix.
 */
export interface BegunUploads {
  begunUpload(key: string): BegunUpload | null;
  beginUpload(key: string, upload: Omit<BegunUpload, "parts">): void;
  recordPart(key: string, part: StoredPart): void;
  forgetUpload(key: string): void;
}
