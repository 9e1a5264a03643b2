import type { Html } from "#html/html.ts";

/** One bar: what it stands for, its height's value, and the value in words. */
export type Bar = { label: string; value: number; text: string };

const WIDTH = 420;
const HEIGHT = 150;
const BOTTOM = 20;
const LEFT = 44;

/**
 * Bars over time as an SVG with an axis, drawn by the server. Each bar tells its value as a tooltip; `label` tells the whole to
 * those who do not see it, and the page has the numbers in a table.
 */
export function BarChart(props: {
  label: string;
  bars: readonly Bar[];
  format: (value: number) => string;
}): Html {
  const { label, bars, format } = props;
  const top = niceTop(Math.max(...bars.map(({ value }) => value), 0));
  const step = (WIDTH - LEFT) / Math.max(bars.length, 1);
  const yOf = (value: number): number => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - 12);
  const every = Math.max(1, Math.ceil(bars.length / 6));
  return (
    <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      {[0, top / 2, top].map((value) => (
        <g class="axis">
          <line x1={LEFT} x2={WIDTH} y1={yOf(value)} y2={yOf(value)} />
          <text x={LEFT - 6} y={yOf(value) + 4} text-anchor="end">
            {format(value)}
          </text>
        </g>
      ))}
      {bars.map(({ label: name, value, text }, index) => {
        const x = round(LEFT + index * step + step * 0.12);
        const height = value === 0 ? 0 : Math.max(1.5, yOf(0) - yOf(value));
        return (
          <g class="bar-of">
            <rect
              class="reach"
              x={round(LEFT + index * step)}
              y={0}
              width={round(step)}
              height={HEIGHT - BOTTOM}
            >
              <title>{`${name}: ${text}`}</title>
            </rect>
            <rect
              class="value"
              x={x}
              y={round(yOf(0) - height)}
              width={round(step * 0.76)}
              height={round(height)}
            />
            {index % every === 0 && (
              <text x={x} y={HEIGHT - 5}>
                {name}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

/** The round number at or above `most`: 1, 2 or 5 with zeros, at least 2. */
function niceTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  const nice = [1, 2, 5, 10].find((factor) => factor * power >= most) ?? 10;
  return Math.max(2, nice * power);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
