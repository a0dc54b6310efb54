// Prints the total over the given vitest JSON reports as `N passed, N failed, N skipped`, the last line of CI. Exits
// non-zero on any failure, when a report is missing, and when nothing ran. Plain JavaScript: runs on any Node.
import { existsSync, readFileSync } from 'node:fs';

const [failedCommands, ...files] = process.argv.slice(2);
let [passed, failed, skipped] = [0, 0, 0];
for (const file of files) {
  if (!existsSync(file)) {
    process.stderr.write(`${file} is missing: its suite did not run\n`);
    failed += 1;
    continue;
  }
  const report = JSON.parse(readFileSync(file, 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped += report.numPendingTests + report.numTodoTests;
  // A file that cannot be loaded has no failed test of its own.
  failed += report.testResults.filter(
    (suite) => suite.status === 'failed' && suite.assertionResults.every((test) => test.status !== 'failed'),
  ).length;
}
const commands = Number(failedCommands);
if (commands > 0 && failed === 0) failed = commands;
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
