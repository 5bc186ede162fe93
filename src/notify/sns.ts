import { Failure } from "../domain/failure.ts";
import { call } from "./call.ts";
import type { Channel } from "./outcome.ts";

/** Adds to the headers of a request what proves to Amazon who makes it. Throws a `Failure` when there are no keys. */
type SignAws = (request: {
  readonly url: string;
  readonly service: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}) => Promise<Readonly<Record<string, string>>>;

export interface SnsOptions {
  readonly region: string;
  readonly sign: SignAws;
  readonly baseUrl?: string;
}

/**
 * Text messages through Amazon SNS (docs.aws.amazon.com/sns/latest/api/API_Publish.html), with the keys of the bucket. It has no
 * key against doubles: a message whose answer was lost is sent again.
 */
export function snsChannel(to: string, options: SnsOptions): Channel {
  const { region, sign, baseUrl = `https://sns.${region}.amazonaws.com` } = options;
  const provider = {
    name: "Amazon SNS",
    secrets: [to],
    receipt: (body: string) => element(body, "MessageId"),
    complaint(body: string) {
      const code = element(body, "Code");
      return code === null ? null : `${code}: ${element(body, "Message") ?? ""}`;
    },
    fix: (status: number) =>
      status === 403
        ? "Check the access keys, and that they may do sns:Publish."
        : "Check the number in GHOSTROLL_TEXT_TO, and that SNS may send texts in this region.",
    // Throttling is a 400 in this protocol; a clock that is off gets right once the machine has a network.
    isPassing: (_: number, body: string) =>
      /^Throttl|^RequestExpired/.test(element(body, "Code") ?? "") ||
      /Signature (expired|not yet current)/.test(element(body, "Message") ?? ""),
  };
  return async ({ message }, signal) => {
    const body = new URLSearchParams({
      Action: "Publish",
      Version: "2010-03-31",
      PhoneNumber: to,
      Message: message,
      // Promotional ones are dropped by Amazon when it suits.
      "MessageAttributes.entry.1.Name": "AWS.SNS.SMS.SMSType",
      "MessageAttributes.entry.1.Value.DataType": "String",
      "MessageAttributes.entry.1.Value.StringValue": "Transactional",
    }).toString();
    const url = `${baseUrl}/`;
    const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
    try {
      const signed = await sign({ url, service: "sns", headers, body });
      return await call(provider, { url, headers: signed, body }, signal);
    } catch (error) {
      // Keys of a role come with the network.
      if (!(error instanceof Failure)) throw error;
      return { kind: "later", reason: error.message, waitMs: null };
    }
  };
}

/** The text of an element in SNS's answers, which are small and flat. */
function element(body: string, name: string): string | null {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1] ?? null;
}
