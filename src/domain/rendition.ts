/** A picture made from an original, named after what it is for. */
export type PresetName = "share" | "thumb";

export interface Preset {
  readonly name: PresetName;
  /** Pixels; a smaller picture is never enlarged. */
  readonly maxLongEdge: number;
  /** JPEG quality, 1 to 100. */
  readonly quality: number;
}

/** One rendition on disk. */
export interface Rendition {
  readonly preset: PresetName;
  readonly width: number;
  readonly height: number;
  readonly sizeBytes: number;
  /** Lower-case hex SHA-256 of the rendition's bytes. */
  readonly sha256: string;
}

/** What came out of one decode. No renditions, and a note, when the picture cannot be read. */
export interface Derived {
  readonly renditions: readonly Rendition[];
  /** Dominant colour as `rrggbb`, shown until the picture is there. */
  readonly color: string | null;
  /** A sentence for people when something is wrong with the picture. */
  readonly note: string | null;
}
