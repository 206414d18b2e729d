import type { Row } from "./row";
import { day } from "./time";

export interface Share {
  title: string;
  value: number;
}

/** How many instances are under each CA, the most first. */
export function byAuthority(rows: readonly Row[]): Share[] {
  const counts = new Map<string, number>();
  for (const { authority } of rows) counts.set(authority, (counts.get(authority) ?? 0) + 1);
  return [...counts].map(([title, value]) => ({ title, value })).sort((a, b) => b.value - a.value || a.title.localeCompare(b.title));
}

const bounds = [
  { below: 0, title: "Expired" },
  { below: 7, title: "Under 7 days" },
  { below: 30, title: "7 to 29 days" },
  { below: 90, title: "30 to 89 days" },
  { below: 180, title: "90 to 179 days" },
  { below: 365, title: "180 to 364 days" },
  { below: Infinity, title: "365 days or more" },
];

/** How many certificates end within how many days; those without a certificate are not counted. */
export function byDaysLeft(rows: readonly Row[], now: number): Share[] {
  const shares = bounds.map(({ title }) => ({ title, value: 0 }));
  for (const { expires } of rows) {
    if (!expires) continue;
    const left = (expires - now) / day;
    const share = shares[bounds.findIndex(({ below }) => left < below)];
    if (share) share.value += 1;
  }
  return shares;
}
