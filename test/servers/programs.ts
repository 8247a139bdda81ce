/**
 * The servers that the contracts are tested on, where they are installed.
 *
 * `.ci/run` installs them; by hand:
 *
 *   GOBIN=~/.cache/cytoedge/servers go install \
 *     github.com/nats-io/nats-server/v2@v2.15.2
 *   GOBIN=~/.cache/cytoedge/servers go install \
 *     github.com/versity/versitygw/cmd/versitygw@v1.8.0
 *
 * @module
 */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const FOLDER = join(homedir(), ".cache", "cytoedge", "servers");

/** `nats-server`; undefined where it is missing. */
export const NATS_SERVER = find("CYTOEDGE_NATS_SERVER", "nats-server");

/** `versitygw`, an S3 server; undefined where it is missing. */
export const S3_SERVER = find("CYTOEDGE_S3_SERVER", "versitygw");

// in continuous integration a server that is missing is a failure
function find(variable: string, name: string): string | undefined {
  const named = process.env[variable];
  const path = named ?? join(FOLDER, name);
  if (existsSync(path)) return path;
  if (named === undefined) return undefined;
  throw new Error(`${variable} names ${named}, which is not there`);
}
