// Looks whether the installed packages are those of the lock file, in a checkout that has one. Plain JavaScript for Node 18
// and newer.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';

/** What other package managers leave in the folder that they made. */
const marksOfOthers = ['.modules.yaml', '.yarn-integrity', '.yarn-state.yml'];

/**
 * What is wrong with the packages of a checkout, as a line for people; null where nothing is. Costs some looks at files while the
 * lock file is older than what npm installed last; a newer one is compared.
 */
export function packageProblem(root) {
  const lock = `${root}package-lock.json`;
  const installed = `${root}node_modules/.package-lock.json`;
  const changed = modified(lock);
  if (changed === undefined) return null;
  if (!existsSync(`${root}node_modules`)) return 'the packages are not installed';
  const done = modified(installed);
  // npm writes it at the end. Whatever else made the folder knows itself what is in it.
  if (done === undefined && !marksOfOthers.some((mark) => existsSync(`${root}node_modules/${mark}`)))
    return 'the packages are not all there: their installation was interrupted';
  const { dependencies = {} } = readJson(`${root}package.json`);
  const absent = Object.keys(dependencies).find((name) => !isWhole(root, `node_modules/${name}`));
  if (absent !== undefined) return `the package ${absent} is not there: an installation was interrupted`;
  if (done === undefined || done >= changed || isStamped(root)) return null;
  const wanted = packagesOf(lock);
  const present = packagesOf(installed);
  const wrong = Object.keys(wanted).filter((name) => name !== '' && differs(wanted[name], present[name]));
  if (wrong.length === 0) return null;
  const names = wrong.slice(0, 3).map((name) => name.replace(/^.*node_modules\//, ''));
  const more = wrong.length > names.length ? ` and ${wrong.length - names.length} more` : '';
  return `the installed packages are not those of package-lock.json: ${names.join(', ')}${more}`;
}

/**
 * How many packages of the lock file are there, and which are not; what may be left out on this platform does not count, nor
 * what is for development only where that was left out.
 */
export function countPackages(root, withoutDevelopment) {
  const wanted = Object.entries(packagesOf(`${root}package-lock.json`))
    .filter(
      ([path, { dev, optional, devOptional }]) =>
        path !== '' && !optional && !devOptional && !(dev && withoutDevelopment),
    )
    .map(([path]) => path);
  const absent = wanted.filter((path) => !isWhole(root, path));
  return { total: wanted.length, absent };
}

/** scripts/install.js installed exactly this lock file; `withoutDevelopment`: at least what the program needs of it. */
export function isStamped(root, withoutDevelopment = true) {
  const wanted = hashOf(`${root}package-lock.json`);
  return (withoutDevelopment ? [false, true] : [false]).some((kind) => {
    const stamp = stampOf(root, kind);
    return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
  });
}

/** Where scripts/install.js keeps the hash of the lock file that it installed, whole or without what is for development only. */
export function stampOf(root, withoutDevelopment) {
  return `${root}node_modules/.installed-lock${withoutDevelopment ? '-without-dev' : ''}`;
}

export function hashOf(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

function isWhole(root, path) {
  return existsSync(`${root}${path}/package.json`);
}

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

function packagesOf(path) {
  return readJson(path).packages ?? {};
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Packages of other platforms, and those for development, may be left out. */
function differs(wanted, present) {
  if (present === undefined) return !(wanted.optional || wanted.dev || wanted.devOptional);
  return present.version !== wanted.version;
}
