import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Ends the process at once with this exit code, whatever it has in work. Threads of V8 that compile may be asking the main thread for a
 * garbage collection at that moment; once it is in `process.exit` they wait for each other for ever (nodejs/node issues 54918 and 64274). So it
 * is made before: none is asked for so soon after. Takes 10 to 100 ms.
 */
export function endProcess(exitCode: number): never {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  // oxlint-disable-next-line unicorn/no-process-exit -- the one place.
  process.exit(exitCode);
}
