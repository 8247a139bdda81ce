// Table of exports, in the order of the data flow. One kernel a file.
export { allocate, mark, release } from "./heap";
