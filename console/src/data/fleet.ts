import {
  type DBInstance,
  DescribeDBInstancesCommand,
  type DescribeDBInstancesCommandInput,
  DescribeEventsCommand,
  type RDSClient,
} from "@aws-sdk/client-rds";
import { eachPage } from "../api/pages";
import { type Row, isMoving, makeRow } from "../model/row";

/** All instances of a region, as far as they are known. */
export interface FleetState {
  rows: Row[];
  /** All pages were read at least once. */
  complete: boolean;
  error: unknown;
}

const pageSize = 100;
const tick = 4000; // ms
const reloadAfter = 5 * 60 * 1000;
const showAfter = 250; // ms between two updates while pages arrive
const overlap = 15 * 1000; // events are asked for again: one may be committed after a later one

/** Loads a region's instances in the background, page by page, and follows what changes, as long as somebody watches. A
 *  single page is read anew every few seconds. Of a larger fleet only the instances that an event names, or that are on
 *  their way to another state, are; all of it every few minutes, since a few changes leave no event (tags, windows). */
export class Fleet {
  private state: FleetState = { rows: [], complete: false, error: undefined };
  private rows = new Map<string, Row>();
  private readonly watchers = new Set<() => void>();
  private run: AbortController | undefined;
  private timer = 0;
  private loadedAt = 0;
  private eventsUntil = 0;
  private round: Promise<void> | undefined;

  constructor(private readonly client: RDSClient) {}

  readonly snapshot = () => this.state;

  readonly subscribe = (changed: () => void) => {
    this.watchers.add(changed);
    if (this.watchers.size === 1) this.start();
    return () => {
      this.watchers.delete(changed);
      if (this.watchers.size === 0) this.stop();
    };
  };

  /** Reads everything anew. */
  readonly refresh = () => this.begin((signal) => this.loadAll(signal));

  /** Reads some instances anew: the caller has just changed them. */
  readonly touch = async (identifiers: string[]) => {
    while (this.round) await this.round;
    await this.begin((signal) => this.loadSome(identifiers, signal));
  };

  private start() {
    this.run = new AbortController();
    this.round = undefined;
    void this.refresh();
    this.timer = window.setInterval(() => document.hidden || void this.look(), tick);
  }

  private stop() {
    window.clearInterval(this.timer);
    this.run?.abort();
    this.run = undefined;
  }

  private look(): Promise<void> {
    const isSmall = this.rows.size <= pageSize;
    const isOld = Date.now() - this.loadedAt > reloadAfter;
    return this.begin((signal) =>
      isSmall || isOld || !this.state.complete ? this.loadAll(signal) : this.loadChanged(signal),
    );
  }

  /** One round at a time: a second one that is asked for is the first. */
  private begin(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const signal = this.run?.signal;
    if (!signal) return Promise.resolve();
    if (this.round) return this.round;
    const round = work(signal)
      .catch((error: unknown) => this.show({ error }, signal))
      .finally(() => {
        if (this.round === round) this.round = undefined;
      });
    this.round = round;
    return round;
  }

  private show(change: Partial<FleetState>, signal: AbortSignal) {
    if (signal.aborted) return;
    this.state = { ...this.state, ...change };
    this.watchers.forEach((changed) => changed());
  }

  private describe(input: DescribeDBInstancesCommandInput, take: (instances: DBInstance[]) => void, signal: AbortSignal) {
    return eachPage(
      (Marker) =>
        this.client.send(new DescribeDBInstancesCommand({ ...input, Marker, MaxRecords: pageSize }), {
          abortSignal: signal,
        }),
      (page) => take(page.DBInstances ?? []),
      signal,
    );
  }

  private async loadAll(signal: AbortSignal) {
    const found = new Map<string, Row>();
    const startedAt = Date.now();
    let shownAt = startedAt;
    await this.describe(
      {},
      (instances) => {
        for (const row of instances.map(makeRow)) found.set(row.identifier, row);
        if (this.state.complete || Date.now() - shownAt < showAfter) return;
        shownAt = Date.now();
        this.show({ rows: [...found.values()], error: undefined }, signal);
      },
      signal,
    );
    if (signal.aborted) return;
    this.rows = found;
    this.loadedAt = Date.now();
    this.eventsUntil = startedAt;
    this.show({ rows: [...found.values()], complete: true, error: undefined }, signal);
  }

  private async loadChanged(signal: AbortSignal) {
    const changed = new Set<string>();
    const startedAt = Date.now();
    const StartTime = new Date(this.eventsUntil - overlap);
    await eachPage(
      (Marker) =>
        this.client.send(new DescribeEventsCommand({ SourceType: "db-instance", StartTime, Marker }), {
          abortSignal: signal,
        }),
      (page) => page.Events?.forEach(({ SourceIdentifier }) => SourceIdentifier && changed.add(SourceIdentifier)),
      signal,
    );
    for (const row of this.rows.values()) if (isMoving(row)) changed.add(row.identifier);
    await this.loadSome([...changed], signal);
    this.eventsUntil = startedAt;
  }

  private async loadSome(identifiers: string[], signal: AbortSignal) {
    const found = new Map<string, Row>();
    for (let at = 0; at < identifiers.length; at += pageSize)
      await this.describe(
        { Filters: [{ Name: "db-instance-id", Values: identifiers.slice(at, at + pageSize) }] },
        (instances) => instances.map(makeRow).forEach((row) => found.set(row.identifier, row)),
        signal,
      );
    if (signal.aborted || identifiers.length === 0) return;
    for (const identifier of identifiers) {
      const row = found.get(identifier);
      if (row) this.rows.set(identifier, row);
      else this.rows.delete(identifier);
    }
    this.show({ rows: [...this.rows.values()], error: undefined }, signal);
  }
}
