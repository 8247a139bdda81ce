/**
 * What the environment may say of queue, storage, limits: one table for all
 * entry files. `docs/service.md` holds it in words; a test compares them.
 *
 * @module
 */
import { z } from "zod";

const text = z.string().min(1);
const list = text.transform((value) =>
  value.split(",").map((each) => each.trim()).filter((each) => each !== "")
);
const amount = z.coerce.number().positive();
const count = z.coerce.number().int().min(1);
const base64 = text.transform((value, context) => {
  try {
    const bytes = Uint8Array.fromBase64(value.replace(/^whsec_/, ""));
    if (bytes.length >= 24) return bytes;
  } catch {
    // told below
  }
  context.addIssue("must be base64 of at least 24 random bytes");
  return z.NEVER;
});

/** Variables of scripts, the command line and the tests. */
const OTHERS =
  /^CYTOEDGE_(URL|KEY|CACHE|MODELS_URL|EMBED|SCHEMATHESIS|NATS_SERVER|S3_SERVER|(BENCH|FILES)_\w+)$/;

/** Every variable, its form. Names are those of the environment. */
export const VARIABLES = {
  // where things are kept
  CYTOEDGE_DATA: text.default("cytoedge-data"),
  CYTOEDGE_NATS: list.optional(),
  CYTOEDGE_NATS_TOKEN: text.optional(),
  CYTOEDGE_NATS_REPLICAS: count.default(1),
  CYTOEDGE_S3_BUCKET: text.optional(),
  CYTOEDGE_S3_ENDPOINT: z.url().optional(),
  CYTOEDGE_S3_PUBLIC_ENDPOINT: z.url().optional(),
  CYTOEDGE_S3_REGION: text.default("us-east-1"),
  CYTOEDGE_S3_ACCESS_KEY: text.optional(),
  CYTOEDGE_S3_SECRET_KEY: text.optional(),
  // the edge
  CYTOEDGE_HOST: text.default("0.0.0.0"),
  CYTOEDGE_PORT: z.coerce.number().int().min(0).max(65535).default(8000),
  CYTOEDGE_MODEL: text.optional(),
  CYTOEDGE_PROMPT_MODEL: text.optional(),
  CYTOEDGE_MAX_BODY_BYTES: count.optional(),
  CYTOEDGE_MAX_PREVIEW_PIXELS: count.optional(),
  CYTOEDGE_CORS_ORIGINS: list.optional(),
  CYTOEDGE_PRICE_PER_GPU_SECOND: z.coerce.number().min(0).optional(),
  CYTOEDGE_CURRENCY: z.string().regex(/^[A-Z]{3}$/).optional(),
  CYTOEDGE_TILES_PER_SECOND: amount.optional(),
  CYTOEDGE_SIGNED_SECONDS: count.max(900).optional(),
  CYTOEDGE_WEBHOOK_HOSTS: list.optional(),
  CYTOEDGE_WEBHOOK_SECRET: base64.optional(),
  CYTOEDGE_FETCH_HOSTS: list.optional(),
  CYTOEDGE_OIDC_ISSUER: z.url().optional(),
  CYTOEDGE_OIDC_AUDIENCE: text.optional(),
  CYTOEDGE_OIDC_JWKS: z.url().optional(),
  CYTOEDGE_OIDC_TENANT_CLAIM: text.optional(),
  // the worker
  CYTOEDGE_CONCURRENCY: count.max(64).default(2),
  CYTOEDGE_WORK: list.default(["jobs", "imports", "trainings"]),
  CYTOEDGE_PROVIDERS: list.optional(),
  CYTOEDGE_THREADS: count.optional(),
  CYTOEDGE_MAX_LOADED: count.optional(),
  CYTOEDGE_MAX_COPY_BYTES: count.optional(),
  CYTOEDGE_WORK_FOLDER: text.optional(),
  CYTOEDGE_METRICS_HOST: text.default("127.0.0.1"),
  CYTOEDGE_METRICS_PORT: z.coerce.number().int().min(0).max(65535).optional(),
  CYTOEDGE_PUSH_TOKEN: z.string().min(32).optional(),
  // both
  CYTOEDGE_LOG: z.enum(["json", "none"]).default("json"),
} as const satisfies Record<string, z.ZodType>;

/** The environment, checked; see `VARIABLES`. */
export type Environment = z.infer<z.ZodObject<typeof VARIABLES>>;

/**
 * Check the environment.
 *
 * @throws {Error} naming every variable that is wrong, and each of ours that
 *   is not known: a misspelled limit must not be taken for none
 */
export function readEnvironment(
  values: Readonly<Record<string, string | undefined>>,
): Environment {
  const own = Object.fromEntries(
    Object.entries(values).filter(([name, value]) =>
      name.startsWith("CYTOEDGE_") && !OTHERS.test(name) &&
      value !== undefined && value !== ""
    ),
  );
  const read = z.strictObject(VARIABLES).safeParse(own);
  const faults = read.success
    ? checkTogether(read.data)
    : read.error.issues.map(({ path, message }) =>
      path.length === 0 ? message : `${path.join(".")}: ${message}`
    );
  if (faults.length > 0 || !read.success) {
    throw new Error(`The environment is wrong: ${faults.join("; ")}`);
  }
  return read.data;
}

/** What only makes sense together. */
function checkTogether(env: Environment): string[] {
  const faults: string[] = [];
  const hasS3 = env.CYTOEDGE_S3_BUCKET !== undefined;
  if (
    hasS3 && !(env.CYTOEDGE_S3_ACCESS_KEY && env.CYTOEDGE_S3_SECRET_KEY)
  ) {
    faults.push(
      "CYTOEDGE_S3_BUCKET needs CYTOEDGE_S3_ACCESS_KEY and CYTOEDGE_S3_SECRET_KEY",
    );
  }
  const oidc = ["ISSUER", "AUDIENCE", "JWKS"].map((name) =>
    env[`CYTOEDGE_OIDC_${name}` as keyof Environment]
  );
  if (
    oidc.some((value) => value !== undefined) && oidc.includes(undefined)
  ) {
    faults.push(
      "CYTOEDGE_OIDC_ISSUER, CYTOEDGE_OIDC_AUDIENCE and CYTOEDGE_OIDC_JWKS go together",
    );
  }
  if (env.CYTOEDGE_WEBHOOK_HOSTS && !env.CYTOEDGE_WEBHOOK_SECRET) {
    faults.push("CYTOEDGE_WEBHOOK_HOSTS needs CYTOEDGE_WEBHOOK_SECRET");
  }
  return faults;
}
