/** Weekly maintenance windows, "sun:05:00-sun:05:30", UTC. */

const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
export const dayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const week = 7 * 24 * 60;

export interface WeeklyWindow {
  /** 0: Sunday */
  day: number;
  hour: number;
  minute: number;
  /** in minutes */
  length: number;
}

export function readWindow(text: string): WeeklyWindow | undefined {
  const parts = /^([a-z]{3}):(\d\d):(\d\d)-([a-z]{3}):(\d\d):(\d\d)$/.exec(text.toLowerCase());
  if (!parts) return undefined;
  const at = (index: number) => days.indexOf(parts[index] ?? "") * 1440 + Number(parts[index + 1]) * 60 + Number(parts[index + 2]);
  const start = at(1);
  const length = (at(4) - start + week) % week;
  if (!days.includes(parts[1] ?? "") || !days.includes(parts[4] ?? "")) return undefined;
  return { day: Math.floor(start / 1440), hour: Math.floor(start / 60) % 24, minute: start % 60, length };
}

function moment(minutes: number): string {
  const two = (number: number) => String(number).padStart(2, "0");
  return `${days[Math.floor(minutes / 1440) % 7] ?? ""}:${two(Math.floor(minutes / 60) % 24)}:${two(minutes % 60)}`;
}

export function formatWindow(window: WeeklyWindow): string {
  const start = window.day * 1440 + window.hour * 60 + window.minute;
  return `${moment(start)}-${moment(start + window.length)}`;
}

/** For people: "Sunday 05:00 to 05:30 UTC". */
export function describeWindow(text: string): string {
  const window = readWindow(text);
  if (!window) return text || "-";
  const [from = "", to = ""] = formatWindow(window).split("-");
  const sameDay = from.slice(0, 3) === to.slice(0, 3);
  const end = sameDay ? to.slice(4) : `${dayNames[days.indexOf(to.slice(0, 3))] ?? ""} ${to.slice(4)}`;
  return `${dayNames[window.day] ?? ""} ${from.slice(4)} to ${end} UTC`;
}

/** The start of the window that is open at `now`, or of the next one. */
export function nextWindow(text: string, now: Date): Date | undefined {
  const window = readWindow(text);
  if (!window) return undefined;
  const start = new Date(now);
  start.setUTCHours(window.hour, window.minute, 0, 0);
  start.setUTCDate(start.getUTCDate() + window.day - start.getUTCDay());
  while (start.getTime() + window.length * 60000 <= now.getTime()) start.setUTCDate(start.getUTCDate() + 7);
  while (start.getTime() + (window.length - week) * 60000 > now.getTime()) start.setUTCDate(start.getUTCDate() - 7);
  return start;
}
