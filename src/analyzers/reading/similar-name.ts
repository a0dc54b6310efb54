import { mostSimilar } from '../../lib/similar.ts';

/** The name that was probably meant: a few edits away, or one that begins or ends the other; undefined where none is near. */
export function closestName(name: string, candidates: readonly string[]): string | undefined {
  const others = candidates.filter((candidate) => candidate !== name);
  return (
    mostSimilar(name, others) ??
    others.find(
      (candidate) => candidate.length >= 4 && (name.startsWith(`${candidate}-`) || name.endsWith(`-${candidate}`)),
    ) ??
    others.find((candidate) => name.length >= 4 && (candidate.startsWith(`${name}-`) || candidate.endsWith(`-${name}`)))
  );
}
