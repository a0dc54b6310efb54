import { expect, test } from 'vitest';
import { readVersion } from '../../lib/version.ts';
import { imagesOf, manifestsText, nextImage, placeManifest, readManifests } from './manifests.ts';

test('only what names the namespace or the image changes: names stay, though the namespace is called the same', async () => {
  const here = await readManifests({ namespace: 'punching-fist', image: null });
  const there = await readManifests({ namespace: 'watch', image: 'registry.example:5000/fist:2' });
  for (const [index, object] of there.objects.entries()) {
    expect(object.metadata.name).toBe(here.objects[index]?.metadata.name);
    expect(object.metadata.namespace ?? 'watch').toBe('watch');
  }
  expect(there.secret.metadata).toMatchObject({ name: 'punching-fist-token', namespace: 'watch' });
  expect(there.objects.flatMap(imagesOf)).toEqual(['registry.example:5000/fist:2']);
  const back = there.objects.map((object) => placeManifest(object, { namespace: 'punching-fist', image: null }));
  expect(back.map(({ spec: _spec, ...rest }) => rest)).toEqual(here.objects.map(({ spec: _spec, ...rest }) => rest));
});

test('the standard image is of this version', async () => {
  const { objects } = await readManifests({ namespace: 'punching-fist', image: null });
  expect(objects.flatMap(imagesOf)).toEqual([`punching-fist:${readVersion()}`]);
});

test.each([
  [undefined, 'punching-fist:2'],
  ['punching-fist:1', 'punching-fist:2'],
  ['registry.example:5000/team/fist:1', 'registry.example:5000/team/fist:2'],
  ['registry.example:5000/team/fist', 'registry.example:5000/team/fist:2'],
])('where %s runs, the next one is %s', (running, next) => {
  expect(nextImage(running, 'punching-fist:2')).toBe(next);
});

test('a digest is not guessed', () => {
  expect(() => nextImage('registry.example/fist:1@sha256:00', 'punching-fist:2')).toThrow(
    expect.objectContaining({ field: '--image', next: '--image registry.example/fist:2' }),
  );
});

test('what is no namespace and no image is refused', async () => {
  await expect(readManifests({ namespace: 'a.b', image: null })).rejects.toThrow('no name of a namespace');
  await expect(readManifests({ namespace: 'a', image: 'with space' })).rejects.toThrow('no image');
});

test('what is printed has no token', async () => {
  const text = await manifestsText(await readManifests({ namespace: 'watch', image: null }));
  expect(text).not.toContain('kind: Secret');
  expect(text).toMatch(/^# Secret watch\/punching-fist-token, /);
});
