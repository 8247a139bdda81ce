/**
 * The command line: one file a command, loaded when it is called.
 *
 *   deno task cli --help
 *
 * Wrong usage prints one line and exits with 2; a command that fails exits
 * with 1.
 *
 * @module
 */
import { Command, CommanderError, Option } from "commander";
import process from "node:process";
import { explainError } from "./explain_error.ts";
import { addReportOptions } from "./report/options.ts";
import { addSegmentOptions, spellWithHyphens } from "./segment/options.ts";
import { addTrainOptions } from "./train/options.ts";
import { UsageError } from "./usage_error.ts";
import { VERSION } from "../shared/version.ts";

const program = new Command("cytoedge")
  .description("Cell segmentation: flows, masks and scores")
  .version(VERSION)
  .showSuggestionAfterError(false)
  .exitOverride();

program.command("demo")
  .description("start the service and send the examples through it")
  .option("--once", "exit when the pictures are written")
  .option("--out <dir>", "folder for the pictures")
  .option("--model <dir>", "model folder; default: the shipped one")
  .option("--port <port>", "default: any free one")
  .action(async (options) => {
    const { demo } = await import("./demo.ts");
    await demo(options);
  });

program.command("conformance")
  .description("compare the core with a peer's recorded inputs and outputs")
  .argument("<dir>", "folder of kinds and cases, as DIR/dynamics2d/name/")
  .option("--json", "print one JSON object instead of lines")
  .action(async (directory, options) => {
    const { conformance } = await import("./conformance.ts");
    Deno.exitCode = await conformance(directory, options);
  });

program.command("import")
  .description("turn a PyTorch or safetensors checkpoint into an ONNX model")
  .argument("<checkpoint>", "file of weights; its family is read from its keys")
  .requiredOption("--out <dir>", "folder for model.onnx and model.json")
  .addOption(
    new Option("--precision <type>", "of products with weights")
      .choices(["fp32", "fp16", "bf16", "int8"]).default("fp32"),
  )
  .option(
    "--calibrate <images...>",
    "segment these with fp32, too, and print how the masks differ",
  )
  .addOption(
    new Option("--attention <form>", "one fused operator, or plain products")
      .choices(["fused", "plain"]).default("fused"),
  )
  .option("--licence <text>", "licence of the weights, kept with the model")
  .option("--size-model <file>", "Cellpose's size model (.npy) beside a U-Net")
  .option("--json", "print model.json instead of lines")
  .action(async (checkpoint, options) => {
    const { importCheckpoint } = await import("./import.ts");
    await importCheckpoint(checkpoint, options);
  });

const models = program.command("models")
  .description("checkpoints that others publish");

models.command("list")
  .description("names, sizes and licences")
  .option("--json", "print one JSON list instead of lines")
  .action(async (options) => {
    const { listModels } = await import("./models.ts");
    listModels(options);
  });

models.command("pull")
  .description("fetch one from the network; a cut download is continued")
  .argument("<name>", "as `models list` prints it")
  .requiredOption("--out <dir>", "folder for the checkpoint")
  .option("--accept-licence", "of the weights; without it nothing is fetched")
  .option("--base <url>", "where the files lie; or CYTOEDGE_MODELS_URL")
  .option("--sha256 <hex>", "what the file must have")
  .option("--import", "then import it, to DIR/NAME_model")
  .action(async (name, options) => {
    const { pullModel } = await import("./models.ts");
    await pullModel(name, options);
  });

addReportOptions(
  program.command("report")
    .description("run the report's experiments and write docs/report/"),
).action(async (options) => {
  const { report } = await import("./report.ts");
  await report(options);
});

program.command("serve")
  .description("start the service: edge and worker in one process")
  .option("--port <port>", "0: any free one", "8000")
  .option("--host <name>", "what to listen on", "127.0.0.1")
  .option("--data <dir>", "folder of all that is kept", "cytoedge-data")
  .option("--model <dir>", "model folder; default: the shipped one")
  .option("--prompt-model <dir>", "a sam model, for clicks on the page")
  .option("--concurrency <n>", "images at a time", "2")
  .option("--quiet", "no log")
  .action(async (options) => {
    const { serve } = await import("./serve.ts");
    await serve(options);
  });

const keys = program.command("keys")
  .description("keys of a service's callers")
  .option("--data <dir>", "the service's folder", "cytoedge-data");

keys.command("create")
  .description("make a key and print it; it is kept as a hash only")
  .requiredOption("--tenant <name>", "whose jobs and results it sees")
  .option("--name <text>", "what it is for", "")
  .option("--scopes <list>", "of segment, train, admin", "segment")
  .option("--days <n>", "valid for so long; default: for ever")
  .option("--rate <n>", "requests a second", "50")
  .option("--max-bytes <n>", "uploaded a day")
  .option("--max-pixels <n>", "segmented a day")
  .option("--max-gpu-seconds <n>", "of the encoder a day")
  .action(async (options) => {
    const { createKey } = await import("./keys.ts");
    await createKey({ ...keys.opts(), ...options });
  });

keys.command("list")
  .description("all keys, without what they are")
  .option("--json", "print one JSON list instead of lines")
  .action(async (options) => {
    const { listKeys } = await import("./keys.ts");
    await listKeys({ ...keys.opts(), ...options });
  });

keys.command("revoke")
  .description("make a key invalid, within seconds everywhere")
  .argument("<id>", "as `keys list` prints it")
  .action(async (id) => {
    const { revokeKey } = await import("./keys.ts");
    await revokeKey(id, keys.opts());
  });

addSegmentOptions(
  program.command("segment")
    .description("find the cells of images and write masks and more")
    .argument("[images...]", "images, folders, patterns as 'a/*.tif'"),
).action(async (images, options) => {
  const { segment } = await import("./segment.ts");
  Deno.exitCode = await segment(images, options);
});

addTrainOptions(
  program.command("train")
    .description("train a model on labelled images, or tune one"),
).action(async (options) => {
  const { train } = await import("./train.ts");
  await train(options);
});
program.command("refine")
  .description("find one cell by points, a box or its mask, with a SAM model")
  .argument("<image>", "one image")
  .requiredOption("--model <dir>", "folder of a sam model, made by `import`")
  .requiredOption("--out <dir>", "folder for masks and <stem>_refine.json")
  .option("--points <y,x;…>", "within the cell")
  .option("--negative-points <y,x;…>", "outside of it")
  .option("--box <y0,x0,y1,x1>", "around it")
  .option("--mask <file>", "masks whose cell --label is the prompt")
  .option("--label <n>", "cell to replace; default: a new one")
  .option("--masks <file>", "masks to paint into; default: those of --mask")
  .option("--channels <list>", "three, by number from 1 or by name")
  .option("--norm", "scale by percentiles; else bytes stay as they are")
  .addOption(
    new Option("--provider <name>", "where it runs")
      .choices(["cpu", "cuda", "webgpu"]).default("cpu"),
  )
  .option("--json", "print one JSON object instead of lines")
  .action(async (image, options) => {
    const { refine } = await import("./refine.ts");
    await refine(image, options);
  });

program.command("convert")
  .description("convert labels between formats, told by the names' endings")
  .argument(
    "<in>",
    "tif, png, npy, npz, _seg.npy, ROI zip, geojson, COCO, zarr",
  )
  .argument("<out>", "these, or _outlines.txt, csv")
  .option("--to <format>", "format of OUT, where its ending does not tell")
  .option("--size <HxW>", "size of the image, for ROIs and GeoJSON")
  .option("--axes <axes>", "axes of IN, as ZYX")
  .option("--entry <path>", "array in a Zarr or NPZ")
  .option("--image <name>", "name of the image, for COCO and _seg.npy")
  .option("--ngff <version>", "of OME-Zarr: 0.5 (default), 0.4 in Zarr 2")
  .option("--json", "print one JSON object instead of lines")
  .action(async (from, to, options) => {
    const { convert } = await import("./convert.ts");
    await convert(from, to, options);
  });

program.command("score")
  .description("score predicted against true masks: AP, AJI, PQ, boundary F")
  .requiredOption("--true <dir>", "folder of true masks, or one file")
  .requiredOption("--pred <dir>", "folder of predicted masks, or one file")
  .option("--thresholds <list>", "IoU thresholds, as 0.5,0.75,0.9")
  .option("--json", "print one JSON object instead of lines")
  .action(async (options) => {
    const { score } = await import("./score.ts");
    Deno.exitCode = await score(options);
  });

program.command("info")
  .description("print version, core and runtime; or what an image file holds")
  .argument("[file]", "image file, or Zarr folder")
  .option("--json", "print one JSON object instead of lines")
  .action(async (file, options) => {
    if (file === undefined) {
      const { info } = await import("./info.ts");
      await info(options);
    } else {
      const { infoFile } = await import("./info_file.ts");
      await infoFile(file, options);
    }
  });

// a reader that has seen enough, as `head`, does not end the work
process.stdout.on("error", (err: NodeJS.ErrnoException) => {
  if (err.code !== "EPIPE") throw err;
});

try {
  await program.parseAsync(spellWithHyphens(Deno.args), { from: "user" });
} catch (err) {
  // commander has printed its line (help and version are no mistakes)
  if (err instanceof CommanderError) Deno.exit(err.exitCode === 0 ? 0 : 2);
  printError(`error: ${explainError(err)}`);
  Deno.exit(err instanceof UsageError ? 2 : 1);
}

function printError(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}
