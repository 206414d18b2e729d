import { ApplyPendingMaintenanceActionCommand, ModifyDBInstanceCommand, type RDSClient } from "@aws-sdk/client-rds";
import { troubleOf } from "../api/words";
import type { Order, BatchEntry } from "../model/batch";

export interface BatchState {
  immediately: boolean;
  entries: BatchEntry[];
}

const abreast = 4; // requests at a time

/** Certificate updates of many instances at once: sent one by one, each with its own outcome. It goes on while other
 *  pages are looked at. */
export class Batch {
  private state: BatchState | undefined;
  private readonly watchers = new Set<() => void>();

  constructor(
    private readonly client: RDSClient,
    private readonly touch: (identifiers: string[]) => Promise<void>,
  ) {}

  readonly snapshot = () => this.state;

  readonly subscribe = (changed: () => void) => {
    this.watchers.add(changed);
    return () => this.watchers.delete(changed);
  };

  readonly clear = () => this.show(undefined);

  /** Sends the orders; resolved when each was taken or refused. */
  readonly send = async (orders: Order[], immediately: boolean) => {
    this.show({
      immediately,
      entries: orders.map(({ identifier, serial }) => ({ identifier, serial, outcome: "waiting", problem: "" })),
    });
    const rest = [...orders];
    const work = async () => {
      for (let order = rest.shift(); order; order = rest.shift()) await this.sendOne(order, immediately);
    };
    await Promise.all(Array.from({ length: abreast }, work));
    await this.touch(orders.map(({ identifier }) => identifier));
    this.settle();
  };

  private async sendOne(order: Order, immediately: boolean) {
    try {
      await this.ask(order, immediately);
      this.update(order.identifier, { outcome: "taken" });
    } catch (error) {
      const { title, text } = troubleOf(error);
      this.update(order.identifier, { outcome: "refused", problem: `${title}: ${text}` });
    }
  }

  private async ask({ identifier, arn, actions, authority }: Order, immediately: boolean) {
    if (authority) {
      const input = { DBInstanceIdentifier: identifier, CACertificateIdentifier: authority, ApplyImmediately: immediately };
      await this.client.send(new ModifyDBInstanceCommand(input));
      return;
    }
    const OptInType = immediately ? "immediate" : "next-maintenance";
    for (const ApplyAction of actions)
      await this.client.send(new ApplyPendingMaintenanceActionCommand({ ResourceIdentifier: arn, ApplyAction, OptInType }));
  }

  /** From now on what the instances say of themselves counts: they were read after the orders were taken. */
  private settle() {
    if (!this.state) return;
    const entries = this.state.entries.map((entry) =>
      entry.outcome === "taken" ? { ...entry, outcome: "followed" as const } : entry,
    );
    this.show({ ...this.state, entries });
  }

  private update(identifier: string, change: Partial<BatchEntry>) {
    if (!this.state) return;
    const entries = this.state.entries.map((entry) => (entry.identifier === identifier ? { ...entry, ...change } : entry));
    this.show({ ...this.state, entries });
  }

  private show(state: BatchState | undefined) {
    this.state = state;
    this.watchers.forEach((changed) => changed());
  }
}
