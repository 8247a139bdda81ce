/**
 * A small chart of curves over one parameter.
 *
 * @module
 */

/** A curve: its own scale from 0 up. */
export interface Curve {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Top of its scale; default its largest value. */
  readonly most?: number;
}

const [WIDTH, HEIGHT, MARGIN] = [260, 110, 6];

/** The chart; `mark` is a line at the value in use. */
export function Chart(
  { title, curves, mark }: {
    title: string;
    curves: readonly Curve[];
    mark?: number;
  },
) {
  const xs = curves.flatMap(({ points }) => points.map(([x]) => x));
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  const place = (x: number) =>
    MARGIN + (WIDTH - 2 * MARGIN) * (high > low ? (x - low) / (high - low) : 0);
  const described = curves.map(({ name, points }) =>
    `${name} ${points.map(([x, y]) => `${round(x)}: ${round(y)}`).join(", ")}`
  ).join("; ");
  return (
    <figure class="chart">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${title}. ${described}`}
      >
        {mark !== undefined && mark >= low && mark <= high && (
          <line
            class="mark"
            x1={place(mark)}
            x2={place(mark)}
            y1={0}
            y2={HEIGHT}
          />
        )}
        {curves.map(({ name, points, most }, k) => {
          const top = most ?? Math.max(1e-9, ...points.map(([, y]) => y));
          const path = points.map(([x, y], i) =>
            `${i === 0 ? "M" : "L"}${round(place(x))} ${
              round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * y / top)
            }`
          ).join("");
          return <path key={name} class={`curve curve-${k}`} d={path} />;
        })}
      </svg>
      <figcaption>
        {title} ({round(low)} to {round(high)}):{" "}
        {curves.map(({ name, points }, k) => (
          <span key={name} class={`key key-${k}`}>
            {name} up to {round(Math.max(...points.map(([, y]) =>
              y
            )))}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
