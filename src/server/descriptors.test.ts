import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { connectionsWithin, readDescriptorLimit } from './descriptors.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

describe('connections', () => {
  it.each([
    [null, 8, 4096],
    [1_048_576, 8, 4096],
    [4352, 8, 4096],
    [4351, 8, 4095],
    [1024, 8, 768],
    [1024, 50, 432],
    [320, 8, 64],
  ])('with %s descriptors and %i runs are %i', (limit, concurrency, connections) => {
    expect(connectionsWithin(limit, concurrency, 4096)).toBe(connections);
  });

  it('that are too few are refused with what is needed and how to get it', () => {
    expect(() => connectionsWithin(319, 8, 4096)).toThrow(
      expect.objectContaining({
        code: 'InvalidInput',
        message:
          'this process may open 319 files, and the server needs 320: 256 for itself with --concurrency 8, 64 for connections',
        next: expect.stringMatching(/^ulimit -n 8192 .*--concurrency/),
      }),
    );
    expect(() => connectionsWithin(8192, 1000, 4096)).toThrow(
      expect.objectContaining({ next: expect.stringMatching(/^ulimit -n 8256 /) }),
    );
  });
});

describe('the limit of descriptors', () => {
  it.each([
    ['Max open files            1024                 524288               files     ', 1024],
    ['Max open files            unlimited            unlimited            files     ', null],
    ['Max processes             1024                 1024                 processes ', null],
  ])('is the soft one: %s', (line, limit) => {
    const path = join(cleanup.temporaryFolder('limits'), 'limits');
    writeFileSync(path, `Limit                     Soft Limit           Hard Limit           Units     \n${line}\n`);
    expect(readDescriptorLimit(path)).toBe(limit);
  });

  it('is not known where the system does not say', () => {
    expect(readDescriptorLimit('/no/such/file')).toBeNull();
  });

  it.runIf(process.platform === 'linux')('of this process is read', () => {
    expect(readDescriptorLimit()).toBeGreaterThan(0);
  });
});
