import { formatDate } from "../../model/time";
import { type Timeline, timelineOf } from "../../model/timeline";
import type { RegionIndex } from "../../model/trust";

const row = 34; // pixels of a bar with its name
const top = 24;

/** From when to when the region's authorities are valid, as a picture; the table beside it says the same in words. */
export function TimelineView({ index, now }: { index: RegionIndex; now: number }) {
  const timeline: Timeline = timelineOf(index, now);
  const height = top + timeline.bars.length * row + 6;
  const percent = (part: number) => `${(part * 100).toFixed(2)}%`;
  return (
    <svg className="timeline" role="img" aria-label="Validity of the certificate authorities over time" height={height} width="100%">
      {timeline.ticks.map(({ year, at }) => (
        <g key={year}>
          <line className="timeline-tick" x1={percent(at)} x2={percent(at)} y1={top - 6} y2={height} />
          <text className="timeline-year" x={percent(at)} y={12} textAnchor={at > 0.95 ? "end" : "middle"}>
            {year}
          </text>
        </g>
      ))}
      {timeline.bars.map(({ name, authority, isRoot, from, till, start, end }, number) => {
        const y = top + number * row;
        return (
          <g key={`${authority} ${name}`}>
            <text className="timeline-name" x="6" y={y + 11}>
              {name}: {formatDate(from)} to {formatDate(till)}
            </text>
            <rect
              className={isRoot ? "timeline-root" : "timeline-subordinate"}
              x={percent(start)}
              y={y + 16}
              width={percent(Math.max(end - start, 0.002))}
              height={isRoot ? 10 : 6}
              rx={3}
            />
          </g>
        );
      })}
      <line className="timeline-now" x1={percent(timeline.now)} x2={percent(timeline.now)} y1={top - 6} y2={height} />
    </svg>
  );
}
