/**
 * Borders of components along the sides of their pixels.
 */
import { LABEL, VISITED } from "./border";
import { push } from "./list";

/** Travel with the component on the left: south along a left side, and so on. */
const SOUTH: i32 = 0;
const EAST: i32 = 1;
const NORTH: i32 = 2;
const WEST: i32 = 3;

/**
 * Follow one ring of sides, and mark the pixels whose left sides it takes.
 *
 * at    u32  address of the first pixel in raster order whose left side is on
 *            the ring; labels have a margin and the bits of `border`
 * row   u32  bytes of a row, margin included
 * y x   i32  position of that pixel, hence of its upper left corner
 * list  u32  takes the corners (y, x) where the ring turns
 *
 * Where four pixels meet of which two opposite ones belong to the component,
 * the ring turns right, across the corner. Pixels there are also connected
 * through a side elsewhere (the component is 4-connected), so that path and
 * corner enclose one of the other two pixels: the ring cannot come back.
 *
 * returns    false without scratch memory
 *
 * Source: ours.
 */
export function followSides(
  at: usize, row: usize, y: i32, x: i32, list: usize,
): bool {
  const label = load<u32>(at) & LABEL;
  const start = at;
  let direction = SOUTH;
  let turned = true;
  while (true) {
    // (y, x) is the corner where this side begins
    if (turned && !push(list, y, x)) return false;
    turned = true;
    if (direction == SOUTH) store<u32>(at, load<u32>(at) | VISITED);
    y += stepY(direction);
    x += stepX(direction);

    const right = (direction + 3) & 3;
    const ahead = at + usize(stepY(direction)) * row + usize(stepX(direction) << 2);
    const across = ahead + usize(stepY(right)) * row + usize(stepX(right) << 2);
    if ((load<u32>(across) & LABEL) == label) {
      at = across;
      direction = right;
    } else if ((load<u32>(ahead) & LABEL) == label) {
      at = ahead;
      turned = false;
    } else {
      direction = (direction + 1) & 3;
    }
    if (at == start && direction == SOUTH) return true;
  }
}

function stepY(direction: i32): i32 {
  return direction == SOUTH ? 1 : direction == NORTH ? -1 : 0;
}

function stepX(direction: i32): i32 {
  return direction == EAST ? 1 : direction == WEST ? -1 : 0;
}
