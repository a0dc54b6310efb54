import { labelledTitle } from '../core/alert.ts';
import type { CatalogSink } from '../core/catalog.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import type { RunRecord } from '../core/run.ts';
import type { DeliveryClaim } from '../core/delivery-store.ts';
import type { Clock } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import { toTimestamp } from '../core/time.ts';
import type { DeliveryFacts } from './context.ts';

/** Alerts that a report names; its text has room for some of them. */
const mostNamed = 20;

/** The world that the facts of an incident are read from. */
export interface IncidentOptions {
  readonly store: Pick<Store, 'read'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Where people reach this server; null = unknown. */
  readonly publicUrl: string | null;
}

export type IncidentClaim = NonNullable<DeliveryClaim['incident']> | null;

/** What a rendering says of the incident of a delivery, and what its claim has to make sure of. */
export interface IncidentFacts extends Pick<DeliveryFacts, 'told' | 'explains'> {
  readonly claim: IncidentClaim;
}

/**
 * Whether this Sink was told the cause already, by the report of another alert, and else which alerts a report of it tells as
 * well. A run that a person asked for has its own report.
 */
export async function incidentFacts(
  { store: { read }, clock, publicUrl }: IncidentOptions,
  delivery: DeliveryRecord,
  run: RunRecord | undefined,
  { sameCauseForMs }: CatalogSink,
): Promise<IncidentFacts> {
  if (delivery.incident === null || run === undefined || run.retryOf !== null || sameCauseForMs === 0)
    return { told: null, explains: [], claim: null };
  const nowMs = clock.now();
  const since = toTimestamp(nowMs - sameCauseForMs);
  const wanted = { since, severity: run.input.alert?.severity ?? 'info' };
  const teller = await read.deliveries.teller(delivery, wanted, toTimestamp(nowMs));
  if (teller !== undefined && teller.sentAt !== null) {
    const first = teller.runId === null ? undefined : await read.runs.find(teller.runId);
    const told = { alert: first === undefined ? 'another alert' : alertTitle(first), at: teller.sentAt };
    return { told: { ...told, run: linkOf(first, publicUrl) }, explains: [], claim: { kind: 'points' } };
  }
  const others = await read.deliveries.sameIncident(delivery, mostNamed);
  const found = await Promise.all(others.map((id) => read.runs.find(id)));
  const explains = found.flatMap((other) => (other === undefined ? [] : [alertTitle(other)]));
  return { told: null, explains, claim: { kind: 'tells', ...wanted } };
}

function linkOf(run: RunRecord | undefined, publicUrl: string | null): { id: string; url: string | null } | null {
  if (run === undefined) return null;
  return { id: run.id, url: publicUrl === null ? null : `${publicUrl}/api/v1/runs/${run.id}` };
}

function alertTitle({ input: { alert }, name }: RunRecord): string {
  return alert === null ? name : labelledTitle(alert);
}
