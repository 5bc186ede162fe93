/** Which right each request takes (docs.aws.amazon.com, "Required permissions for Amazon S3 API operations"). */
const RIGHTS: Readonly<Record<string, string>> = {
  PutObjectCommand: "s3:PutObject",
  CreateMultipartUploadCommand: "s3:PutObject",
  UploadPartCommand: "s3:PutObject",
  CompleteMultipartUploadCommand: "s3:PutObject",
  AbortMultipartUploadCommand: "s3:AbortMultipartUpload",
  ListPartsCommand: "s3:ListMultipartUploadParts",
  ListMultipartUploadsCommand: "s3:ListBucketMultipartUploads",
  HeadObjectCommand: "s3:GetObject",
  GetObjectCommand: "s3:GetObject",
  ListObjectsV2Command: "s3:ListBucket",
  DeleteObjectCommand: "s3:DeleteObject",
  DeleteObjectsCommand: "s3:DeleteObject",
};

/** The right that a command of the SDK takes, by its name; `null` for one that we never send. */
export function rightOf(command: string | undefined): string | null {
  return RIGHTS[command ?? ""] ?? null;
}
