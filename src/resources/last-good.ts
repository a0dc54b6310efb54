import { checkSink } from './check-sink.ts';
import { checkSource } from './check-source.ts';
import { compileWorkflow } from './compile.ts';
import { objectKey } from './object.ts';
import type { ResourceObject } from './object.ts';
import { isBlocking } from './problem.ts';
import type { Issue, Problem } from './problem.ts';
import type { LocatedObject, ReadResources } from './read.ts';

/** What is wrong with an object by itself, without the others. */
export function objectIssues(object: ResourceObject): readonly Issue[] {
  const { kind, namespace, name, spec } = object;
  if (kind === 'Source') return checkSource(spec).issues;
  if (kind === 'Sink') return checkSink(spec).issues;
  return compileWorkflow(namespace, name, spec).issues;
}

/** The first problem that keeps an object from being used, with its place. */
export function firstBlocking(object: LocatedObject): Problem | null {
  const issue = objectIssues(object).find(isBlocking);
  return issue === undefined ? null : object.document.locate(issue);
}

/**
 * The objects to use after a reload: an object whose new version cannot be used keeps its last good one, and so do all
 * objects of a file whose YAML is broken. What was taken out of a readable file is gone.
 */
export function keepLastGood(before: readonly LocatedObject[], read: ReadResources): readonly LocatedObject[] {
  const earlier = new Map(before.map((object) => [objectKey(object), object]));
  const seen = new Set<string>();
  const result = read.objects.map((object) => {
    seen.add(objectKey(object));
    const problem = firstBlocking(object);
    const good = earlier.get(objectKey(object));
    if (problem === null || good === undefined || firstBlocking(good) !== null) return object;
    return { ...good, brokenEdit: problem };
  });
  const broken = new Map(
    read.problems
      .filter(({ severity }) => severity === 'error')
      .reverse()
      .map((problem) => [problem.file, problem]),
  );
  for (const object of before) {
    const problem = broken.get(object.document.file);
    if (problem !== undefined && !seen.has(objectKey(object)) && firstBlocking(object) === null) {
      result.push({ ...object, brokenEdit: problem });
    }
  }
  return result;
}
