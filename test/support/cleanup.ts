import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a test has started or made; undone in reverse order, also when the test fails. */
export interface Cleanup {
  defer(undo: () => unknown): void;
  /** A folder of its own below the system's temporary one, removed at the end. */
  temporaryFolder(name: string): string;
  run(): Promise<void>;
}

/** An empty stack. Call `run` in `afterEach` or `afterAll`. */
export function createCleanup(): Cleanup {
  const stack: (() => unknown)[] = [];
  return {
    defer: (undo) => void stack.push(undo),
    temporaryFolder(name) {
      const folder = mkdtempSync(join(tmpdir(), `fist-${name}-`));
      stack.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
      return folder;
    },
    async run() {
      const failures: unknown[] = [];
      for (let undo = stack.pop(); undo !== undefined; undo = stack.pop()) {
        try {
          await undo();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, 'could not clean up');
    },
  };
}
