/** One message, ready to be sent. */
export interface Text {
  /** The same whenever this message is sent again, for receivers that drop doubles. */
  readonly key: string;
  readonly event: string;
  readonly card: string;
  readonly title: string;
  /** What people read, with the link last and alone when there is one. */
  readonly message: string;
  readonly link: string | null;
}

/** What came of sending one message. Reasons are sentences without an address or a secret. */
export type Outcome =
  /** The provider has it; `receipt` is its own name for it, to ask there. */
  | { readonly kind: "sent"; readonly receipt: string | null }
  /** The provider will never take it. */
  | { readonly kind: "refused"; readonly reason: string }
  /** It was not taken; `waitMs` when the provider said when to come again. */
  | { readonly kind: "later"; readonly reason: string; readonly waitMs: number | null }
  /** It may have been taken: the request was on its way, and no answer came, or one that does not say. */
  | { readonly kind: "unsure"; readonly reason: string };

/** Sends a message once. Never throws for what a provider or the network does. */
export type Channel = (text: Text, signal: AbortSignal) => Promise<Outcome>;
