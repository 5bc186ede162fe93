import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openAwsSigner } from "../../src/remote/aws-signer.ts";
import type { Radosgw } from "./radosgw.ts";

interface Statement {
  readonly Sid: string;
  readonly Action: string | readonly string[];
}

/** A policy as IAM and radosgw take it. */
export interface Policy {
  readonly Statement: readonly Statement[];
}

/** One of the policies in docs/iam, with bucket and prefix put in as the guide does it. */
export function policyOf(name: "uploader" | "presigner" | "revoker", bucket: string, prefix: string): Policy {
  const text = readFileSync(join(import.meta.dirname, `../../docs/iam/${name}.json`), "utf8");
  return JSON.parse(text.replaceAll("BUCKET", bucket).replaceAll("PREFIX", prefix)) as Policy;
}

const actionsOf = ({ Action }: Statement) => (typeof Action === "string" ? [Action] : Action);

/** Each action of each statement, once. */
export function grants({ Statement }: Policy): { readonly sid: string; readonly action: string }[] {
  return Statement.flatMap((statement) =>
    actionsOf(statement).map((action) => ({ sid: statement.Sid, action })),
  );
}

/**
 * The policy with one action of one statement denied. Not left out: radosgw lets a key read what it put itself, by the object's
 * access list, which Amazon's buckets no longer have.
 */
export function without({ Statement, ...rest }: Policy, sid: string, action: string): Policy {
  const denied = Statement.filter(({ Sid }) => Sid === sid);
  const deny = denied.map((statement) => ({ ...statement, Sid: "Less", Effect: "Deny", Action: action }));
  return { ...rest, Statement: [...Statement, ...deny] };
}

export interface User {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** From the next request on, this and nothing else is what the user may do. */
  allow(policy: Policy): Promise<void>;
}

/** A new user of the server who may do nothing. */
export async function newUser(server: Radosgw, name: string): Promise<User> {
  assert.ok(server.administer);
  const [accessKeyId, secretAccessKey] = [`KEYOF${name.toUpperCase()}`, `secret-of-${name}`];
  const keys = [`--access-key=${accessKeyId}`, `--secret-key=${secretAccessKey}`];
  await server.administer("user", "create", `--uid=${name}`, `--display-name=${name}`, ...keys);
  const sign = openAwsSigner({
    region: "us-east-1",
    credentials: {
      accessKeyId: server.accessKeyId,
      secretAccessKey: server.secretAccessKey,
      sessionToken: null,
    },
  });
  return {
    accessKeyId,
    secretAccessKey,
    async allow(policy) {
      const body = new URLSearchParams({
        Action: "PutUserPolicy",
        Version: "2010-05-08",
        UserName: name,
        PolicyName: "all",
        PolicyDocument: JSON.stringify(policy),
      }).toString();
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const url = `${server.endpoint}/`;
      const signed = await sign({ url, service: "iam", headers, body });
      const answer = await fetch(url, { method: "POST", headers: signed, body });
      assert.equal(answer.status, 200, await answer.text());
    },
  };
}

/** Lets the server's own user give rights to others. */
export async function allowIam({ administer }: Radosgw): Promise<void> {
  assert.ok(administer);
  await administer("caps", "add", "--uid=ghostroll", "--caps=user-policy=*");
}
