// Prints what failed in the given vitest JSON reports, each with its reason, and then the total as
// `N passed, N failed, N skipped`, the last line of CI: who sees only the end of its output sees what failed. Exits
// non-zero on any failure, when a report is missing, and when nothing ran. Plain JavaScript: runs on any Node.
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const [failedCommands, ...files] = process.argv.slice(2);
const [mostShown, longestHalf] = [100, 1000];
let [passed, skipped] = [0, 0];
const failures = [];

/** The reason without colours and without the places that Node.js names below it; of a long one its first and last words. */
function reasonOf(messages) {
  const text = stripVTControlCharacters((messages ?? []).join('\n'));
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !/^\s+at .*node_modules/.test(line));
  const reason = lines.join('\n    ');
  return reason.length <= 2 * longestHalf
    ? reason
    : `${reason.slice(0, longestHalf)}\n[...]\n${reason.slice(-longestHalf)}`;
}

for (const file of files) {
  if (!existsSync(file)) {
    failures.push(`${relative('.', file)} is missing: its suite did not run`);
    continue;
  }
  const report = JSON.parse(readFileSync(file, 'utf8'));
  passed += report.numPassedTests;
  skipped += report.numPendingTests + report.numTodoTests;
  for (const suite of report.testResults) {
    const name = relative('.', suite.name);
    const failed = suite.assertionResults.filter(({ status }) => status === 'failed');
    for (const test of failed)
      failures.push(
        `${name} > ${[...test.ancestorTitles, test.title].join(' > ')}\n    ${reasonOf(test.failureMessages)}`,
      );
    // A file that cannot be loaded has no failed test of its own.
    if (suite.status === 'failed' && failed.length === 0) failures.push(`${name}\n    ${reasonOf([suite.message])}`);
  }
}
const commands = Number(failedCommands);
const failed = failures.length === 0 ? commands : failures.length;
for (const failure of failures.slice(0, mostShown)) process.stdout.write(`FAILED ${failure}\n`);
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
