/**
 * Parameters as a command, a curl call, or code: what differs from the
 * defaults.
 *
 * @module
 */
import {
  PARAMETERS,
  SegmentParameters,
} from "../../../shared/schema/parameters.ts";

/** What is written. */
export type CodeKind = "command" | "curl" | "code";

/** Write the call that does what the page does. */
export function writeCode(
  kind: CodeKind,
  file: string,
  parameters: SegmentParameters,
): string {
  const changed = changedParameters(parameters);
  if (kind === "command") {
    const options = Object.entries(changed).map(([name, value]) =>
      typeof value === "boolean"
        ? value ? ` --${toKebab(name)}` : ` --no-${toKebab(name)}`
        : ` --${toKebab(name)} ${[value].flat().join(" ")}`
    );
    return `npx --yes deno task cli segment ${quote(file)}${options.join("")}`;
  }
  const body = JSON.stringify({ parameters: changed });
  if (kind === "curl") {
    return `curl -H "Authorization: Bearer $KEY" -F image=@${
      quote(file)
    } -F options=${quote(body)} ${origin()}/v1/previews`;
  }
  return [
    "const form = new FormData();",
    `form.append("image", file, ${JSON.stringify(file)});`,
    `form.append("options", ${JSON.stringify(body)});`,
    `const answer = await fetch("${origin()}/v1/previews", {`,
    '  method: "POST",',
    "  headers: { authorization: `Bearer ${key}` },",
    "  body: form,",
    "});",
    "const { masks, cells } = await answer.json();",
  ].join("\n");
}

/** Parameters that are not as they start. */
export function changedParameters(
  parameters: SegmentParameters,
): Partial<SegmentParameters> {
  const defaults = SegmentParameters.parse({});
  return Object.fromEntries(
    (Object.keys(PARAMETERS) as (keyof SegmentParameters)[])
      .filter((name) =>
        JSON.stringify(parameters[name]) !== JSON.stringify(defaults[name])
      )
      .map((name) => [name, parameters[name]]),
  );
}

function toKebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** For a shell; nothing in a file name is run. */
function quote(text: string): string {
  return /^[\w./:@-]+$/.test(text) && !text.startsWith("-")
    ? text
    : `'${text.replaceAll("'", `'\\''`)}'`;
}

function origin(): string {
  return globalThis.location?.origin ?? "http://127.0.0.1:8000";
}
