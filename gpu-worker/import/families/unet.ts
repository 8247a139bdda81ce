import type { Family } from "./family.ts";
/** x */
export const unet: Family = {
  name: "unet",
  marks: ["?"],
  recognizes: () => false,
  build() {
    throw new Error("no");
  },
};
