import type { DataKnowledge } from '../../agent/data/lack.ts';
import { learnedData } from '../../agent/data/learn.ts';
import { createDataObserver } from '../../agent/data/observe.ts';
import type { Readers } from '../../agent/open-toolbox.ts';
import { renderAddress } from '../../agent/tools/select.ts';
import type { ToolSelection } from '../../agent/tools/select.ts';
import { toAppError } from '../../core/errors.ts';
import type { NamespaceData } from '../../core/namespace-data.ts';
import type { JudgedIncident } from '../../core/readers.ts';
import { namedObjects } from '../../investigation/labels.ts';
import type { StepIo } from './define.ts';

/** What an agent step reads beside the cluster, and what it learns while it does. */
export interface StepReaders {
  readonly readers: Readers;
  /** Where there are data, by people and by earlier runs. Where the store does not say, nothing is known. */
  knowledge(): Promise<DataKnowledge>;
  /** What people said of reports for such alerts; a report does without where the store does not say. */
  judged(): Promise<readonly JudgedIncident[]>;
  /** Keeps what servers said of where there are data; a run does without where that cannot be kept. */
  learn(): Promise<void>;
}

/** At the end of a step. */
const longestLearningMs = 10_000;

/** Opens what a step names, else its Workflow, else the program. Throws InvalidInput for an address that is none. */
export function openStepReaders(io: StepIo, { metricsEndpoint, logsEndpoint }: ToolSelection): StepReaders {
  const { alert, clock, data, log } = io;
  const rendered = (address: string | null): string | null =>
    address === null ? null : renderAddress(address, (template) => io.render(template));
  const plain = io.openReaders({ metrics: rendered(metricsEndpoint), logs: rendered(logsEndpoint) });
  const { metrics, logs, incidents } = plain;
  const observer = createDataObserver();
  const openedMs = clock.monotonic();
  const servers = {
    ...(metrics === null ? {} : { metrics: metrics.url }),
    ...(logs === null ? {} : { logs: logs.url }),
  };

  let reading: Promise<readonly NamespaceData[]> | null = null;
  const known = (): Promise<readonly NamespaceData[]> => (reading ??= data.known(Object.values(servers)));

  async function orNothing<T>(what: string, work: () => Promise<readonly T[]>): Promise<readonly T[]> {
    try {
      return await work();
    } catch (thrown) {
      log.warn({ error: toAppError(thrown).message }, what);
      return [];
    }
  }

  return {
    readers: {
      ...plain,
      metrics: metrics === null ? null : observer.metrics(metrics),
      logs: logs === null ? null : observer.logs(logs),
    },
    async knowledge() {
      const learned = await orNothing('what was learned of data could not be read', known);
      return { said: data.said, learned, servers };
    },
    async judged() {
      if (alert === null || incidents === null) return [];
      const { name, fingerprint, labels } = alert;
      const like = { name, fingerprint, namespace: namedObjects(name, labels).namespace };
      return orNothing('earlier verdicts could not be read', () => incidents.judged(like));
    },
    async learn() {
      if (observer.found().length === 0 && observer.missed().length === 0) return;
      // A result must not be lost for it.
      const leftMs = io.timeoutMs - (clock.monotonic() - openedMs);
      if (leftMs < 2 * longestLearningMs) return;
      const ended = new AbortController();
      const signal = AbortSignal.any([io.signal, ended.signal]);
      clock.sleep(longestLearningMs, signal).then(
        () => ended.abort(),
        () => undefined,
      );
      await orNothing('what was learned of data could not be kept', async () => {
        const rows = await learnedData(observer, plain, await known(), io.now(), signal);
        if (rows.length > 0 && !io.signal.aborted) await data.learn(rows);
        return [];
      });
      ended.abort();
    },
  };
}
