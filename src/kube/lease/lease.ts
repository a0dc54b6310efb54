import { toAppError } from '../../core/errors.ts';
import type { Clock, Log } from '../../core/ports.ts';
import { createComplaints } from '../../lib/complaints.ts';
import { standardTimings } from './lease-decision.ts';
import type { LeaseTimings } from './lease-decision.ts';
import { createLeaseRecord, isOvertaken } from './lease-record.ts';
import type { LeaseRecordOptions } from './lease-record.ts';
import { startTerm } from './lease-term.ts';
import type { StartedTerm, Term } from './lease-term.ts';

export interface ElectionOptions extends Omit<LeaseRecordOptions, 'timings'> {
  /** Leads until the term's signal is aborted. Where it ends before, or throws, another process gets its chance. */
  readonly lead: (term: Term) => Promise<void>;
  readonly timings?: LeaseTimings;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
}

export interface Election {
  isLeading(): boolean;
  /** Who leads, as last seen; null = nobody. */
  readonly holder: string | null;
  /**
   * Ends the term, waits for what leads, and gives the Lease up once that has ended, so that another process need not wait. What does
   * not end within `timeoutMs` keeps the Lease until it expires; then false.
   */
  stop(timeoutMs: number): Promise<boolean>;
}

/** A request of a contender; one of a leader ends earlier, so that there is time for another. */
const requestMs = 10_000;
const leaderRequestMs = 4000;
/** After work that ended by itself. */
const restMs = 10_000;

/**
 * Leader election by a Lease, as client-go has it, with one difference: how long a leader leads is counted from before its renewal was
 * sent. Who sees the renewal counts from later, so the old leader has ended `durationMs - renewDeadlineMs` before a new one begins,
 * whatever their wall clocks say.
 */
export function startElection(options: ElectionOptions): Election {
  const { identity, clock, random, log, timings = standardTimings } = options;
  const lease = `${options.namespace}/${options.name}`;
  const complain = createComplaints(log, clock);
  const closing = new AbortController();
  const record = createLeaseRecord({ ...options, timings });
  const asContender = { timeoutMs: requestMs, signal: closing.signal, isUrgent: true };
  const asLeader = { timeoutMs: leaderRequestMs, signal: closing.signal, isUrgent: true };
  let isStopping = false;
  let term: StartedTerm | null = null;
  let notBeforeMs = Number.NEGATIVE_INFINITY;

  async function release(): Promise<void> {
    await record.release({ timeoutMs: leaderRequestMs, isUrgent: true }).catch((error: unknown) => {
      log.warn({ lease, error }, 'the Lease could not be given up; it expires');
    });
  }

  function begin(number: number, untilMs: number): void {
    log.info({ lease, identity, term: number }, 'this process leads');
    term = startTerm({
      number,
      untilMs,
      lead: options.lead,
      clock,
      onEnd: (reason) => log.info({ lease, term: number, reason }, 'this process leads no more'),
      onLeft(error) {
        if (error !== null) log.error({ lease, error }, 'what leads has failed');
        notBeforeMs = clock.monotonic() + restMs;
        return release();
      },
    });
  }

  async function contend(): Promise<void> {
    await record.look(asContender);
    if (isStopping || record.decide().action === 'wait') return;
    const sentMs = clock.monotonic();
    const number = await record.hold(true, asContender);
    const untilMs = sentMs + timings.renewDeadlineMs;
    if (!isStopping && clock.monotonic() < untilMs) begin(number, untilMs);
  }

  async function renew(held: StartedTerm): Promise<void> {
    const sentMs = clock.monotonic();
    try {
      await record.hold(false, asLeader);
    } catch (error) {
      if (!isOvertaken(error)) throw error;
      // It is ours all the same where an answer was lost, or somebody has deleted or touched it.
      await record.look(asLeader);
      if (record.holder() !== identity) return held.end(`${record.holder() ?? 'nobody'} holds the Lease`, false);
      await record.hold(false, asLeader);
    }
    // Also of one that was late: nobody else has written it meanwhile.
    held.renewed(sentMs + timings.renewDeadlineMs);
  }

  async function step(): Promise<void> {
    try {
      // A term that is over, and whose work has not ended, is not followed by another.
      if (term?.isWorking() === true) {
        if (term.mayRenew()) await renew(term);
      } else if (!isStopping && clock.monotonic() >= notBeforeMs) await contend();
    } catch (thrown) {
      const { code, message, next } = toAppError(thrown);
      // Another was first.
      if (code === 'Conflict' || closing.signal.aborted) return;
      complain('warn', code, { lease, reason: message, next }, 'the Lease could not be held; it is tried again');
    }
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      await step();
      await clock.sleep(timings.retryMs * (1 + random() / 5), closing.signal).catch(() => undefined);
    }
  }

  const running = run();
  return {
    isLeading: () => term?.isCurrent() === true,
    get holder() {
      return record.holder();
    },
    async stop(timeoutMs) {
      isStopping = true;
      term?.end('this process is stopped', true);
      const hasEnded = await endsWithin(term?.work ?? Promise.resolve(), clock, timeoutMs);
      closing.abort();
      await running;
      if (hasEnded) await release();
      return hasEnded;
    },
  };
}

async function endsWithin(work: Promise<void>, clock: Clock, timeoutMs: number): Promise<boolean> {
  const limit = new AbortController();
  const late = clock.sleep(timeoutMs, limit.signal).then(
    () => false,
    () => false,
  );
  const hasEnded = await Promise.race([work.then(() => true), late]);
  limit.abort();
  return hasEnded;
}
