/**
 * Which methods a path takes, for answers with 405.
 *
 * @module
 */

/** A route as the router keeps it. */
interface RouteLike {
  readonly method: string;
  readonly path: string;
}

/** Methods of the routes that match a path; middleware (`ALL`) is none. */
export function allowedMethods(
  routes: readonly RouteLike[],
  path: string,
): string[] {
  const found = new Set<string>();
  for (const route of routes) {
    if (route.method === "ALL" || !matches(route.path, path)) continue;
    found.add(route.method);
    if (route.method === "GET") found.add("HEAD");
  }
  return [...found].sort();
}

/** True if a path fits a pattern such as `/jobs/:id/results`. */
function matches(pattern: string, path: string): boolean {
  const want = pattern.split("/");
  const got = path.split("/");
  return want.length === got.length &&
    want.every((part, i) =>
      part.startsWith(":") ? got[i] !== "" : part === got[i]
    );
}
