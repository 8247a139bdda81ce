import type { Family } from "./family.ts";
/** x */
export const cellposeDino: Family = {
  name: "cellpose_dino",
  marks: ["?"],
  recognizes: () => false,
  build() {
    throw new Error("no");
  },
};
