import type { Family } from "./family.ts";
/** x */
export const sam: Family = {
  name: "sam",
  marks: ["?"],
  recognizes: () => false,
  build() {
    throw new Error("no");
  },
};
