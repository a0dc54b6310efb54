import { podObject } from './memory-cluster.ts';

/** How a container of a pod ended, as `state.terminated` or `lastState.terminated` of its status says it. */
export const ended = (reason: string, exitCode: number, extra: object = {}): object => ({
  reason,
  exitCode,
  startedAt: '2026-01-01T11:57:00Z',
  finishedAt: '2026-01-01T11:58:34Z',
  ...extra,
});

/** The status of a container in a loop of crashes, of which this was the last. */
export const looping = (last: object): object => ({
  restartCount: 7,
  ready: false,
  state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s' } },
  lastState: { terminated: last },
});

/** A pod whose container is in such a loop. */
export const crashed = (exitCode = 1, extra: object = {}): object =>
  podObject('web-1', { state: looping(ended(exitCode === 0 ? 'Completed' : 'Error', exitCode)), ...extra });

/** What {@link crashed} said in the run that ended. */
export const previous = (text: string): { readonly logs: Readonly<Record<string, string>> } => ({
  logs: { 'shop/web-1/app previous': text },
});
