import type { KubernetesObject } from '../../src/core/cluster.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Clock } from '../../src/core/ports.ts';
import { KubeFailure } from '../../src/kube/connection/failure.ts';
import type { KubeReason } from '../../src/kube/connection/failure.ts';
import type { KubeWriter } from '../../src/kube/connection/writer.ts';
import type { FakeClock } from './clock.ts';
import type { Random } from './random.ts';

// A Lease in memory, as the API server keeps it, behind a network that is slow and loses things; and processes that are stopped.

export interface LeaseServer {
  lease: KubernetesObject | null;
  /** Each write that counted, with the time of the fake clock. */
  readonly writes: { readonly atMs: number; readonly holder: string }[];
  /** Shares of requests and answers that are lost, and how late they may be. */
  network: { lost: number; mostMs: number; isCut: (identity: string) => boolean };
  /** As this process reaches it. */
  of(process: Process): Pick<KubeWriter, 'get' | 'create' | 'replace'>;
}

/** A process with a clock of its own, which may be stopped (SIGSTOP) for a while. */
export interface Process {
  readonly identity: string;
  readonly clock: Clock;
  /** Nothing of it runs until then, by the fake clock; its clocks go on. */
  pause(untilMs: number): void;
  isPaused(): boolean;
  /** Waits until it runs. */
  running(): Promise<void>;
}

export function startFakeProcess(
  identity: string,
  world: FakeClock,
  { wallMs, monotonicMs, rate }: { readonly wallMs: number; readonly monotonicMs: number; readonly rate: number },
): Process {
  let pausedUntilMs = 0;
  const running = async (): Promise<void> => {
    while (world.monotonic() < pausedUntilMs) await world.sleep(pausedUntilMs - world.monotonic());
  };
  return {
    identity,
    running,
    pause: (untilMs) => void (pausedUntilMs = untilMs),
    isPaused: () => world.monotonic() < pausedUntilMs,
    clock: {
      now: () => wallMs + world.monotonic() * rate,
      monotonic: () => monotonicMs + world.monotonic() * rate,
      async sleep(milliseconds, signal) {
        await world.sleep(milliseconds / rate, signal);
        await running();
      },
    },
  };
}

export function createLeaseServer(world: FakeClock, random: Random): LeaseServer {
  let version = 0;
  const refuse = (reason: KubeReason, status: number): never => {
    throw new KubeFailure(reason, reason, { status, next: undefined, owners: [], afterMs: null });
  };
  const server: LeaseServer = {
    lease: null,
    writes: [],
    network: { lost: 0, mostMs: 0, isCut: () => false },
    of: (process) => ({
      get: async (_kind, _place, limits) => through(process, limits, () => server.lease),
      create: async (_kind, object, limits) =>
        through(process, limits, () => {
          if (server.lease !== null) refuse('AlreadyExists', 409);
          return store(object);
        }),
      replace: async (_kind, object, limits) =>
        through(process, limits, () => {
          if (server.lease === null) refuse('NotFound', 404);
          if (server.lease?.metadata.resourceVersion !== object.metadata['resourceVersion'])
            refuse('VersionConflict', 409);
          return store(object);
        }),
    }),
  };

  function store(object: object): KubernetesObject {
    const { metadata, spec } = object as KubernetesObject;
    // Like the API server: what changes nothing is no write.
    if (server.lease !== null && JSON.stringify(server.lease.spec) === JSON.stringify(spec)) return server.lease;
    version += 1;
    server.lease = {
      metadata: { ...metadata, resourceVersion: String(version) },
      ...(spec === undefined ? {} : { spec }),
    };
    server.writes.push({ atMs: world.monotonic(), holder: spec?.['holderIdentity'] as string });
    return server.lease;
  }

  async function through<T>(
    process: Process,
    limits: { readonly timeoutMs?: number; readonly signal?: AbortSignal } | undefined,
    work: () => T,
  ): Promise<T> {
    await process.running();
    const away = (): never => {
      throw new AppError('ClusterUnavailable', 'the server did not answer');
    };
    const timeoutMs = limits?.timeoutMs ?? 15_000;
    if (limits?.signal?.aborted === true) away();
    const isLost = (): boolean => server.network.isCut(process.identity) || random.next() < server.network.lost;
    const lateMs = (): number => random.between(0, server.network.mostMs);
    const answer = (async () => {
      if (isLost()) return null;
      await world.sleep(lateMs());
      // What arrives late counts all the same.
      const done = ((): { readonly value: T } | { readonly error: unknown } => {
        try {
          return { value: work() };
        } catch (error) {
          return { error };
        }
      })();
      if (isLost()) return null;
      await world.sleep(lateMs());
      return done;
    })();
    const limit = new AbortController();
    const late = process.clock
      .sleep(timeoutMs, AbortSignal.any([limit.signal, ...(limits?.signal === undefined ? [] : [limits.signal])]))
      .then(
        () => null,
        () => null,
      );
    const came = await Promise.race([answer.then((one) => one ?? late), late]);
    limit.abort();
    await process.running();
    if (came === null) return away();
    if ('error' in came) throw came.error;
    return came.value;
  }
  return server;
}
