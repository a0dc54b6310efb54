import { foldExpired } from '../core/alert-fold.ts';
import { addMs, toTimestamp } from '../core/time.ts';
import { transitionRecord } from './records.ts';
import type { IntakeOptions } from './intake.ts';
import { notMuted, resumeBatch } from './resume.ts';

/** Alerts of one transaction: a long one would keep notifications waiting. */
const alertsPerTransaction = 100;
/** Alerts whose Source is gone, or that no Source accepted, expire after the default of `expireAfter`. */
const orphanExpireAfterMs = 24 * 60 * 60_000;

export interface AlertSweep {
  /** Closes open alerts that are no longer received (design 3.2.16): no notice, no run. Returns how many. */
  expire(signal?: AbortSignal): Promise<number>;
  /**
   * Decides anew about alerts whose run a policy put off, if they still fire, so that the last state of a flapping
   * alert is always told (3.2.20). Returns how many runs began.
   */
  resume(signal?: AbortSignal): Promise<number>;
}

/**
 * What happens to alerts by time alone. Called each minute on one replica. Stops between two transactions when the signal
 * is aborted; the next call goes on.
 */
export function createAlertSweep(options: IntakeOptions): AlertSweep {
  const { store, catalog, clock, metrics } = options;
  return {
    async expire(signal) {
      const current = catalog.current();
      const sources = await store.transaction('expire', (tx) => tx.alerts.sourcesWithOpen());
      let expired = 0;
      for (const { namespace, source } of sources) {
        if (isAborted(signal)) break;
        const expireAfterMs = current.source(namespace, source)?.expireAfterMs ?? orphanExpireAfterMs;
        if (expireAfterMs > 0) expired += await expireOf(options, { namespace, source, expireAfterMs }, signal);
      }
      return expired;
    },
    async resume(signal) {
      const beganAt = toTimestamp(clock.now());
      let resumed = 0;
      const putOff = new Map<string, number>();
      let looked = alertsPerTransaction;
      while (looked === alertsPerTransaction && !isAborted(signal)) {
        const batch = await store.transaction('expire', (tx) => {
          const now = toTimestamp(clock.now());
          // What is put off again is later than this, so each alert has one turn and the sweep ends.
          const due = now < beganAt ? now : beganAt;
          return resumeBatch(tx, { catalog: catalog.current(), putOff, due, now, limit: alertsPerTransaction });
        });
        for (const [source, alerts] of batch.putOff) putOff.set(source, alerts);
        for (const { name, status } of batch.started)
          metrics.increment('fist_runs_total', { workflow: name, phase: status });
        looked = batch.looked;
        resumed += batch.started.length;
      }
      return resumed;
    },
  };
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

interface ExpiringSource {
  readonly namespace: string;
  readonly source: string;
  readonly expireAfterMs: number;
}

async function expireOf(
  { store, clock, metrics, log }: IntakeOptions,
  { namespace, source, expireAfterMs }: ExpiringSource,
  signal: AbortSignal | undefined,
): Promise<number> {
  let expired = 0;
  let closed = alertsPerTransaction;
  while (closed === alertsPerTransaction && !isAborted(signal)) {
    closed = await store.transaction('expire', async (tx) => {
      const now = toTimestamp(clock.now());
      const before = addMs(now, -expireAfterMs);
      const alerts = await tx.alerts.findExpired(namespace, source, before, alertsPerTransaction);
      const ends = alerts.map((alert) => ({ alert, ...foldExpired(alert, now) }));
      await tx.alerts.saveStates(ends.map(({ alert, next }) => ({ ...alert, ...next, ...notMuted, updatedAt: now })));
      await tx.alerts.addTransitions(ends.map(({ alert, transition }) => transitionRecord(alert.id, transition, null)));
      return alerts.length;
    });
    if (closed > 0) metrics.increment('fist_alerts_received_total', { source, result: 'Expired' }, closed);
    expired += closed;
  }
  if (expired > 0) log.info({ source: `${namespace}/${source}`, alerts: expired }, 'alerts expired');
  return expired;
}
