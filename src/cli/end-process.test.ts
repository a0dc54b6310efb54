import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('a process that is ended at once collects its garbage first, and ends with the code', () => {
  const program = `import { endProcess } from ${JSON.stringify(import.meta.resolve('./end-process.ts'))};
    setInterval(() => undefined, 1000);
    endProcess(3);`;
  const { status, stdout } = spawnSync(process.execPath, ['--trace-gc', '--input-type=module', '--eval', program], {
    encoding: 'utf8',
  });
  expect(status).toBe(3);
  expect(stdout).toMatch(/Mark-Compact.*\n$/);
});
