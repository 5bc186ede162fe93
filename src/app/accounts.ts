import { passedOn } from "../config/environment.ts";
import type { Settings } from "../config/slices.ts";
import type { Accounts } from "../notify/channels.ts";
import { openAwsSigner } from "../remote/aws-signer.ts";

/** What the channels to people want to know of who sends: the user's accounts, the keys of the bucket, and no key for programs. */
export function accountsOf({ notify, store }: Settings): Accounts {
  const { recipients: _, ...accounts } = notify.texts;
  const sns = { region: store.region, sign: openAwsSigner(store) };
  return { ...accounts, sns, program: { environment: passedOn() } };
}
