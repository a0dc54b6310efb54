import type { CommandRequest } from '../../src/core/command.ts';

/** A command of a run in namespace shop. */
export function commandRequest(script: string, changes: Partial<CommandRequest> = {}): CommandRequest {
  return {
    place: { namespace: 'shop', runId: '00000000-0000-4000-8000-000000000000', path: '2.then', endedBefore: 0 },
    script,
    environment: {},
    image: 'busybox',
    timeoutMs: 20_000,
    outputLimitBytes: 1000,
    signal: new AbortController().signal,
    onStarted: () => Promise.resolve(),
    ...changes,
  };
}
