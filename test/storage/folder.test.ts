import { serveFolder } from "../servers/folder.ts";
import { describeStore } from "./contract.ts";

describeStore("local folder", () => serveFolder());
