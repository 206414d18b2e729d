/** Moments as people read them: UTC throughout, like maintenance windows. */

export const day = 24 * 3600 * 1000;

const dateFormat = new Intl.DateTimeFormat("en-GB", {
  year: "numeric",
  month: "short",
  day: "numeric",
  timeZone: "UTC",
});
const momentFormat = new Intl.DateTimeFormat("en-GB", {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  timeZone: "UTC",
});

export function formatDate(moment: Date | number | undefined): string {
  return moment ? dateFormat.format(moment) : "-";
}

export function formatMoment(moment: Date | number | undefined): string {
  return moment ? `${momentFormat.format(moment)} UTC` : "-";
}

const units: [number, string][] = [
  [365 * day, "year"],
  [30 * day, "month"],
  [day, "day"],
  [3600 * 1000, "hour"],
  [60 * 1000, "minute"],
];

/** "in 3 days", "2 hours ago", "now". */
export function formatDistance(moment: Date | number, now: number): string {
  const difference = Number(moment) - now;
  const size = Math.abs(difference);
  for (const [length, unit] of units) {
    if (size < length) continue;
    const count = Math.floor(size / length);
    const words = `${count} ${unit}${count === 1 ? "" : "s"}`;
    return difference > 0 ? `in ${words}` : `${words} ago`;
  }
  return "now";
}

/** "1 year", "36 months": how long from one moment to another, in the unit that people use for certificates. */
export function formatSpan(from: Date, till: Date): string {
  const years = (Number(till) - Number(from)) / (365.25 * day);
  return years >= 1.5 ? `${Math.round(years)} years` : formatDistance(till, Number(from)).replace("in ", "");
}
