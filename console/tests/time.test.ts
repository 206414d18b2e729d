import { describe, expect, it } from "vitest";
import { byAuthority, byDaysLeft } from "../src/model/charts";
import type { Row } from "../src/model/row";
import { day, formatDistance, formatMoment } from "../src/model/time";
import { timelineOf } from "../src/model/timeline";
import { describeWindow, formatWindow, nextWindow, readWindow } from "../src/model/window";

describe("maintenance windows", () => {
  it("are read and written", () => {
    for (const text of ["sun:05:00-sun:05:30", "sat:23:45-sun:00:15", "wed:00:00-thu:00:00"]) {
      const window = readWindow(text);
      expect(window && formatWindow(window)).toBe(text);
    }
    expect(readWindow("Mon:03:05-Mon:03:35")).toEqual({ day: 1, hour: 3, minute: 5, length: 30 });
    expect(readWindow("05:00-05:30")).toBeUndefined();
    expect(readWindow("xyz:05:00-sun:05:30")).toBeUndefined();
  });
  it("are told to people", () => {
    expect(describeWindow("sun:05:00-sun:05:30")).toBe("Sunday 05:00 to 05:30 UTC");
    expect(describeWindow("sat:23:45-sun:00:15")).toBe("Saturday 23:45 to Sunday 00:15 UTC");
    expect(describeWindow("")).toBe("-");
  });
  it("open next", () => {
    const next = (text: string, now: string) => nextWindow(text, new Date(now))?.toISOString();
    // 2026-11-30 is a Monday.
    expect(next("mon:05:00-mon:05:30", "2026-11-30T04:00:00Z")).toBe("2026-11-30T05:00:00.000Z");
    expect(next("mon:05:00-mon:05:30", "2026-11-30T05:10:00Z")).toBe("2026-11-30T05:00:00.000Z");
    expect(next("mon:05:00-mon:05:30", "2026-11-30T05:30:00Z")).toBe("2026-12-07T05:00:00.000Z");
    expect(next("sun:05:00-sun:05:30", "2026-11-30T05:30:00Z")).toBe("2026-12-06T05:00:00.000Z");
    expect(next("sat:23:45-sun:00:15", "2026-12-06T00:10:00Z")).toBe("2026-12-05T23:45:00.000Z");
  });
});

describe("moments", () => {
  it("are told in UTC and by their distance", () => {
    const now = Date.UTC(2026, 10, 30, 12);
    expect(formatMoment(new Date(now))).toBe("30 Nov 2026, 12:00 UTC");
    expect(formatDistance(now + 3 * day, now)).toBe("in 3 days");
    expect(formatDistance(now - 61 * 60 * 1000, now)).toBe("1 hour ago");
    expect(formatDistance(now, now)).toBe("now");
  });
});

describe("charts", () => {
  const now = Date.UTC(2026, 10, 30);
  const rows = [
    { authority: "b", expires: now - 1 },
    { authority: "b", expires: now + 7 * day },
    { authority: "a", expires: now + 400 * day },
    { authority: "a", expires: 0 },
    { authority: "b", expires: now + 29.9 * day },
  ] as Row[];
  it("count the fleet by CA", () => {
    expect(byAuthority(rows)).toEqual([
      { title: "b", value: 3 },
      { title: "a", value: 2 },
    ]);
  });
  it("count the fleet by days left, without those that have no certificate", () => {
    expect(byDaysLeft(rows, now).map(({ value }) => value)).toEqual([1, 0, 2, 0, 0, 0, 1]);
  });
});

describe("the timeline", () => {
  const certificate = (valid_from: string, valid_till: string) => ({
    ca_identifier: "rds-ca-2019",
    region: "r",
    role: "root" as const,
    number: 0,
    subject: "CN=x",
    issuer: "",
    serial: "",
    sha1: "",
    sha256: "",
    valid_from,
    valid_till,
    key: "",
    signature: "",
  });
  it("is a scale from the first beginning to the last end", () => {
    const certificates = [certificate("2026-01-01T00:00:00Z", "2066-01-01T00:00:00Z"), certificate("2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z")];
    const { bars, ticks, now } = timelineOf({ certificates, bundles: [] }, Date.UTC(2046, 0));
    expect(bars.map(({ start, end }) => [start, end.toFixed(2)])).toEqual([
      [0, "1.00"],
      [0, "0.25"],
    ]);
    expect(now).toBeCloseTo(0.5, 2);
    expect(ticks.map(({ year }) => year)).toEqual([2030, 2035, 2040, 2045, 2050, 2055, 2060, 2065]);
  });
});
