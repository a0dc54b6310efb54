// Looks whether the installed packages are those of the lock file, in a checkout that has one. Plain JavaScript for Node 18
// and newer.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';

/**
 * What is wrong with the packages of a checkout, as a line for people; null where nothing is. Costs two looks at a time of change while the
 * lock file is older than what npm installed last; a newer one is compared.
 */
export function packageProblem(root) {
  const lock = `${root}package-lock.json`;
  const installed = `${root}node_modules/.package-lock.json`;
  const changed = modified(lock);
  if (changed === undefined) return null;
  const done = modified(installed);
  // Whatever else made the folder knows itself what is in it.
  if (done === undefined) return existsSync(`${root}node_modules`) ? null : 'the packages are not installed';
  if (done >= changed || isStamped(root, lock)) return null;
  const wanted = packagesOf(lock);
  const present = packagesOf(installed);
  const wrong = Object.keys(wanted).filter((name) => name !== '' && differs(wanted[name], present[name]));
  if (wrong.length === 0) return null;
  const names = wrong.slice(0, 3).map((name) => name.replace(/^.*node_modules\//, ''));
  const more = wrong.length > names.length ? ` and ${wrong.length - names.length} more` : '';
  return `the installed packages are not those of package-lock.json: ${names.join(', ')}${more}`;
}

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

/** scripts/install.js installed exactly this lock file. */
function isStamped(root, lock) {
  const stamp = `${root}node_modules/.installed-lock`;
  const hash = () => createHash('sha256').update(readFileSync(lock)).digest('hex');
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === hash();
}

function packagesOf(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages ?? {};
}

/** Packages of other platforms, and those for development, may be left out. */
function differs(wanted, present) {
  if (present === undefined) return !(wanted.optional || wanted.dev || wanted.devOptional);
  return present.version !== wanted.version;
}
