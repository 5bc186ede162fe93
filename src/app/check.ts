/** One thing that was looked at. */
export interface Check {
  readonly check: string;
  readonly isOk: boolean;
  readonly says: string;
  /** What to do about it; `null` when there is nothing to do. Of what is right, how it would be better. */
  readonly fix: string | null;
}

export const good = (check: string, says: string): Check => ({ check, isOk: true, says, fix: null });
export const advice = (check: string, says: string, fix: string): Check => ({ check, isOk: true, says, fix });
export const bad = (check: string, says: string, fix: string): Check => ({ check, isOk: false, says, fix });
