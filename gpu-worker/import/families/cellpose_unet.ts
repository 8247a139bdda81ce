import type { Family } from "./family.ts";
/** x */
export const cellposeUnet: Family = {
  name: "cellpose_unet",
  marks: ["?"],
  recognizes: () => false,
  build() {
    throw new Error("no");
  },
};
