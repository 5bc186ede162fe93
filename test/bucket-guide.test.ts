import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { parseEnv, promisify } from "node:util";
import { S3 } from "@aws-sdk/client-s3";
import { aboutStore } from "../src/app/doctor-store.ts";
import { loadSettings } from "../src/config/load.ts";
import { allowIam } from "./support/iam.ts";
import { blocksOf, isSettings } from "./support/markdown.ts";
import { lacks } from "./support/needs.ts";
import { provider } from "./support/provider.ts";
import { startRadosgw } from "./support/radosgw.ts";
import { tempFolder } from "./support/temp.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..");
const USERS = ["box", "links"] as const;

const lacking = lacks("radosgw", "aws");
const server = lacking === false ? await startRadosgw() : null;
after(() => server?.stop());
const skip = server?.administer ? false : lacking || "the server is not ours to administer";

/** What IAM answers; radosgw 16 makes users by a command of its own only. */
const made = (action: string, inside: string) =>
  `<${action}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><${action}Result>${inside}</${action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></${action}Response>`;

describe("docs/bucket.md", { skip }, () => {
  it("makes a bucket from nothing, command by command, that doctor finds fit", async (t) => {
    assert.ok(server?.administer);
    const folder = await tempFolder(t);
    await allowIam(server);
    for (const name of USERS)
      await server.administer(
        "user",
        "create",
        `--uid=ghostroll-${name}`,
        `--display-name=${name}`,
        `--access-key=KEY-ID-OF-${name.toUpperCase()}`,
        `--secret-key=SECRET-OF-${name.toUpperCase()}`,
      );

    // Amazon's command line as Debian has it. What radosgw does not know goes to a server that answers as IAM does.
    const iam = await provider(t, { status: 400 });
    for (const name of USERS) {
      const user = `<UserName>ghostroll-${name}</UserName>`;
      iam.answers.push({
        status: 200,
        body: made(
          "CreateUser",
          `<User>${user}<Path>/</Path><UserId>AID</UserId><Arn>arn:aws:iam::1:user/x</Arn></User>`,
        ),
      });
      iam.answers.push({
        status: 200,
        body: made(
          "CreateAccessKey",
          `<AccessKey>${user}<AccessKeyId>AKIA</AccessKeyId><Status>Active</Status><SecretAccessKey>s</SecretAccessKey></AccessKey>`,
        ),
      });
    }
    const bin = join(folder, "bin");
    await mkdir(bin);
    const cli = `case "$1 $2" in "iam create-"*) to=${iam.url};; *) to=${server.endpoint};; esac`;
    await writeFile(join(bin, "aws"), `#!/bin/sh\n${cli}\nexec /usr/bin/aws --endpoint-url "$to" "$@"\n`);
    await chmod(join(bin, "aws"), 0o755);

    const commands = blocksOf("docs/bucket.md", "sh").filter((block) => /^(rights|.*\baws )/m.test(block));
    assert.equal(commands.length, 4);
    const { stdout } = await run("bash", ["-euc", commands.join("").replace("eu-central-1", "default")], {
      cwd: root,
      env: {
        PATH: `${bin}:${process.env["PATH"]}`,
        HOME: folder,
        AWS_ACCESS_KEY_ID: server.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
        AWS_DEFAULT_REGION: "us-east-1",
      },
    });
    assert.equal(stdout.match(/"SecretAccessKey"/g)?.length, USERS.length);
    assert.deepEqual(
      iam.heard.map(({ body }) => {
        const { Action, UserName } = Object.fromEntries(new URLSearchParams(body));
        return `${Action} ${UserName}`;
      }),
      USERS.flatMap((name) => [`CreateUser ghostroll-${name}`, `CreateAccessKey ghostroll-${name}`]),
    );

    const { endpoint, accessKeyId, secretAccessKey } = server;
    const admin = new S3({
      endpoint,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    t.after(() => admin.destroy());
    const Bucket = "my-photos";
    const { PublicAccessBlockConfiguration } = await admin.getPublicAccessBlock({ Bucket });
    assert.deepEqual(new Set(Object.values(PublicAccessBlockConfiguration ?? {})), new Set([true]));
    const { Rules = [] } = await admin.getBucketLifecycleConfiguration({ Bucket });
    assert.deepEqual(Rules.map(({ Status, Filter }) => `${Status} ${Filter?.Prefix}`).toSorted(), [
      "Disabled ghostroll/g/",
      "Enabled ghostroll/",
      "Enabled ghostroll/g/.doctor/",
      "Enabled ghostroll/g/ghostroll-doctor-probe/",
    ]);
    assert.equal(
      Rules.find(({ AbortIncompleteMultipartUpload: it }) => it)?.AbortIncompleteMultipartUpload
        ?.DaysAfterInitiation,
      7,
    );

    // Up to 18, radosgw refuses every upload where public access lists are blocked (docs/providers.md).
    await admin.deletePublicAccessBlock({ Bucket });
    const [block = ""] = blocksOf("docs/bucket.md", "sh").filter(isSettings);
    const environment = { ...parseEnv(block), GHOSTROLL_S3_ENDPOINT: endpoint };
    const settings = loadSettings({ flags: {}, environment, cwd: folder, homeDir: folder });
    const checks = await aboutStore(settings, new AbortController().signal);
    assert.ok(
      checks.every(({ isOk }) => isOk),
      JSON.stringify(checks),
    );
    assert.deepEqual(
      checks.map(({ check }) => check),
      ["store"],
    );
    assert.equal((await admin.listObjectsV2({ Bucket })).KeyCount, 0);
  });
});
