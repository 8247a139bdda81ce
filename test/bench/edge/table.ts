/**
 * What the benchmark of the service found, as tables in Markdown.
 *
 * @module
 */
import type { EdgeResult } from "./result.ts";
import type { Latency } from "./percentiles.ts";

/** Tables, with the goals beside. */
export function formatEdge(result: EdgeResult): string {
  const { latency, job, throughput, start } = result;
  const outside = latency["preview, HTTP"];
  const inside = latency["preview, in process"];
  const rows: [string, Latency, string][] = [
    ["preview of 512×512, over HTTP", outside, "p50 ≤ 500, p99 ≤ 2 × p50"],
    ["the same call inside the process", inside, "HTTP ≤ 1.15 ×"],
    ...peerRow("its network, without masks", latency["preview, peer"]),
    ["score of two label images of 1024×1024", latency.score, "p50 ≤ 60"],
    ...peerRow("AP, AJI, boundary F", latency["score, peer"]),
    ["job of one image of 512×512, to its end", job.total, "p50 ≤ 1000"],
    ["… of it the network", job.encode, ""],
    ["… of it the diameter: network and masks, smaller", job.estimate, ""],
    ["… of it masks from flows", job.dynamics, ""],
    ["… of it all else", job.rest, "p50 ≤ 30"],
  ];
  return [
    `${result.date}, ${result.machine}, commit ${result.commit}, ${
      result.load.map((load) => load.toFixed(1)).join(" and ")
    } threads busy before and after; model ${result.model}; one request at a time, ms.`,
    "",
    "| call | least | p50 | p99 | calls | goal |",
    "| --- | ---: | ---: | ---: | ---: | --- |",
    ...rows.map(([name, { least, p50, p99, calls }, goal]) =>
      `| ${name} | ${ms(least)} | ${ms(p50)} | ${
        ms(p99)
      } | ${calls} | ${goal} |`
    ),
    "",
    `Preview over HTTP: ${
      ratio(outside.least, inside.least)
    } of the call inside by least times, ${
      ratio(outside.p50, inside.p50)
    } by p50; p99 is ${ratio(outside.p99, outside.p50)} of p50.`,
    "",
    "| path, 16 connections | requests a second | goal |",
    "| --- | ---: | --- |",
    ...Object.entries(throughput).map(([path, count]) =>
      `| \`${path}\` | ${Math.round(count)} | ${
        path.startsWith("/v1") ? "≥ 2000" : ""
      } |`
    ),
    "",
    `From the command to the first answer ${
      Math.round(start.answer)
    } ms, to the first preview ${
      Math.round(start.preview)
    } ms (goal 2000). At the end the process holds ${
      (result.memory / 2 ** 20).toFixed(0)
    } MiB.`,
  ].join("\n");
}

/** A row, where the peer could be had. */
function peerRow(
  what: string,
  latency: Latency | undefined,
): [string, Latency, string][] {
  return latency ? [[`… FastAPI + Cellpose: ${what}`, latency, ""]] : [];
}

function ms(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

function ratio(a: number, b: number): string {
  return `${(a / b).toFixed(2)} ×`;
}
