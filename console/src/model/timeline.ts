import { type RegionIndex, commonName } from "./trust";

/** A certificate's life on a common scale from 0 to 1. */
export interface Bar {
  name: string;
  authority: string;
  isRoot: boolean;
  from: Date;
  till: Date;
  start: number;
  end: number;
}

export interface Timeline {
  bars: Bar[];
  ticks: { year: number; at: number }[];
  now: number;
}

const steps = [1, 2, 5, 10, 20, 50];
const most = 8; // ticks

/** The lives of a region's authorities: each root with its subordinates below it. */
export function timelineOf(index: RegionIndex, now: number): Timeline {
  const certificates = index.certificates.map((certificate) => ({
    certificate,
    from: new Date(certificate.valid_from),
    till: new Date(certificate.valid_till),
  }));
  const first = Math.min(now, ...certificates.map(({ from }) => from.getTime()));
  const last = Math.max(now, ...certificates.map(({ till }) => till.getTime()));
  const place = (moment: number) => (moment - first) / Math.max(1, last - first);
  const begin = new Date(first).getUTCFullYear() + 1;
  const years = new Date(last).getUTCFullYear() - begin;
  const step = steps.find((each) => years / each <= most) ?? 50;
  const ticks = Array.from({ length: Math.floor(years / step) + 1 }, (_, number) => {
    const year = Math.ceil(begin / step) * step + number * step;
    return { year, at: place(Date.UTC(year, 0)) };
  });
  return {
    bars: certificates.map(({ certificate, from, till }) => ({
      name: commonName(certificate.subject),
      authority: certificate.ca_identifier,
      isRoot: certificate.role === "root",
      from,
      till,
      start: place(from.getTime()),
      end: place(till.getTime()),
    })),
    ticks: ticks.filter(({ at }) => at <= 1),
    now: place(now),
  };
}
