import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { eventObject, podObject } from '../../../test/support/memory-cluster.ts';
import { placeOf } from '../advice.ts';
import { podImage } from './pod-image.ts';
import { pullProblem } from './pull-words.ts';

const image = 'registry.example.com/app:1';
const about = { kind: 'Pod', name: 'web-1' };
const pulling = (message: string, reason = 'ImagePullBackOff', spec: object = {}) =>
  podObject('web-1', { spec, status: { phase: 'Pending' }, state: { state: { waiting: { reason, message } } } });
const resolve = `failed to pull and unpack image "${image}": failed to resolve reference "${image}":`;

test('the failure of a longer tag is not that of a shorter one', async () => {
  const events = [
    eventObject(about, 'Failed', `Failed to pull image "${image}": ${image}: not found`, {
      lastTimestamp: '2026-01-01T11:50:00Z',
    }),
    eventObject(about, 'Failed', `Failed to pull image "${image}.2": 429 Too Many Requests`),
  ];
  const [finding] = await analyze(podImage, 'pod', pulling('', 'ErrImagePull'), { events });
  expect(finding?.category).toBe('image-pull');
});

describe('what a failed pull comes to', () => {
  test.each([
    [`rpc error: code = NotFound desc = ${resolve} ${image}: not found`, 'image-pull'],
    [`Error response from daemon: manifest for app:1 not found: manifest unknown: manifest unknown`, 'image-pull'],
    [
      'initializing source docker://quay.io/a/b:1: reading manifest 1 in quay.io/a/b: name unknown: repository not found',
      'image-pull',
    ],
    [
      'unexpected status from HEAD request to https://registry.example.com/v2/app/manifests/1: 404 Not Found',
      'image-pull',
    ],
    [
      `${resolve} pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`,
      'image-access',
    ],
    [
      `${resolve} failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized`,
      'image-access',
    ],
    [
      `Error response from daemon: Get "https://1234.dkr.ecr.eu-west-1.amazonaws.com/v2/a/manifests/1": no basic auth credentials`,
      'image-access',
    ],
    [
      'reading manifest 1 in quay.io/a/b: unauthorized: access to the requested resource is not authorized',
      'image-access',
    ],
    [
      `${resolve} unexpected status from HEAD request to https://gcr.io/v2/a/b/manifests/1: 403 Forbidden`,
      'image-access',
    ],
    ['denied: Permission "artifactregistry.repositories.downloadArtifacts" denied on resource', 'image-access'],
    [`${resolve} failed to fetch anonymous token: unexpected status: 503 Service Unavailable`, 'registry-unreachable'],
    [
      'toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating',
      'registry-limit',
    ],
    [`${resolve} unexpected status code https://registry-1.docker.io/v2/x: 429 Too Many Requests`, 'registry-limit'],
    ['pull QPS exceeded', 'registry-limit'],
    [
      `${resolve} failed to do request: Head "https://10.0.0.9:5000/v2/": http: server gave HTTP response to HTTPS client`,
      'registry-trust',
    ],
    [
      `${resolve} failed to do request: tls: failed to verify certificate: x509: certificate signed by unknown authority`,
      'registry-trust',
    ],
    ['x509: certificate has expired or is not yet valid: current time 2026-01-01T12:00:00Z', 'registry-trust'],
    [
      `${resolve} failed to do request: Head "https://r/v2/": dial tcp: lookup r.example.com on 10.0.0.2:53: no such host`,
      'registry-unreachable',
    ],
    [
      'pinging container registry r.example.com: Get "https://r.example.com/v2/": dial tcp: lookup r.example.com: Temporary failure in name resolution',
      'registry-unreachable',
    ],
    [`${resolve} failed to do request: Head "https://r/v2/": net/http: TLS handshake timeout`, 'registry-unreachable'],
    ['dial tcp 10.0.0.7:443: connect: connection refused', 'registry-unreachable'],
    [
      'failed to copy: httpReadSeeker: failed open: failed to do request: Get "https://cdn/x": EOF',
      'registry-unreachable',
    ],
    ['rpc error: code = DeadlineExceeded desc = context deadline exceeded', 'registry-unreachable'],
    [
      'failed to unpack image: not implemented: media type "application/vnd.docker.distribution.manifest.v1+prettyjws" is no longer supported since containerd v2.1',
      'image-unusable',
    ],
    [`${resolve} no match for platform in manifest: not found`, 'image-unusable'],
    ['no matching manifest for linux/arm64/v8 in the manifest list entries', 'image-unusable'],
    [
      'choosing image instance: no image found in manifest list for architecture "arm64", variant "v8", OS "linux"',
      'image-unusable',
    ],
    ['Source image rejected: A signature was required, but no signature exists', 'image-unusable'],
    [
      'Failed to apply default image tag "registry.example.com/Shop/Web:9": couldn\'t parse image name "registry.example.com/Shop/Web:9": invalid reference format: repository name must be lowercase',
      'image-unusable',
    ],
    [
      'short-name "app:1" did not resolve to an alias and no unqualified-search registries are defined',
      'image-unusable',
    ],
    ['Container image "app:1" is not present with pull policy of Never', 'image-not-on-node'],
    ['failed to extract layer sha256:1: write /usr/lib/x: no space left on device', 'node-disk-full'],
    ['manifest unknown: OCI index found, but Accept header does not support OCI indexes', 'image-unusable'],
    ['failed to do request: Get "http://r:443/v2/": malformed HTTP response', 'registry-trust'],
    ['Your authorization token has expired. Reauthenticate and try again.', 'image-access'],
    ['something else', 'image-pull-failed'],
  ])('%s', (message, category) => {
    expect(pullProblem(message, image).category).toBe(category);
  });

  test('the name of the image is no answer', () => {
    expect(pullProblem('EOF while reading shop/not-found:404', 'shop/not-found:404').category).toBe(
      'registry-unreachable',
    );
  });
});

describe('a proxy, a digest, a platform', () => {
  test.each([
    ['proxyconnect tcp: dial tcp 10.0.0.3:3128: i/o timeout', '10.0.0.3:3128'],
    ['proxyconnect tcp: dial tcp: lookup proxy.corp.example on 10.0.0.2:53: no such host', 'proxy.corp.example'],
    ['proxyconnect tcp: dial tcp [fd00::3]:3128: connect: no route to host', '[fd00::3]:3128'],
  ])('%s: the proxy is at fault, not the registry', async (said, proxy) => {
    const [finding] = await analyze(podImage, 'pod', pulling(`${resolve} failed to do request: Head "x": ${said}`));
    expect(finding?.cause).toContain('the node asks the registry through a proxy, and the proxy does not do it');
    expect(finding?.facts['proxy']).toBe(proxy);
    const advice =
      finding === undefined ? [] : podImage.categories['registry-unreachable'].advice(finding, placeOf(finding));
    expect(advice[0]?.action).toContain(`whether ${proxy} answers`);
  });

  test('a digest that the registry does not have is no wrong tag', async () => {
    const digest = `registry.example.com/app@sha256:${'a1'.repeat(32)}`;
    const pod = podObject('web-1', {
      spec: { containers: [{ name: 'app', image: digest }] },
      status: { phase: 'Pending' },
      state: { state: { waiting: { reason: 'ImagePullBackOff', message: `${digest}: not found` } } },
    });
    const [finding] = await analyze(podImage, 'pod', pod);
    expect(finding?.cause).toContain('the registry has no image with this digest');
    const advice = finding === undefined ? [] : podImage.categories['image-pull'].advice(finding, placeOf(finding));
    expect(advice[0]?.action).not.toContain('list-tags');
  });

  test('the platform of the node stands beside an image that has none for it', async () => {
    const nodes = [
      { metadata: { name: 'n1' }, status: { nodeInfo: { operatingSystem: 'linux', architecture: 'arm64' } } },
    ];
    const pod = pulling(`${resolve} no match for platform in manifest: not found`);
    expect((await analyze(podImage, 'pod', pod, { nodes }))[0]?.cause).toMatch(/ Node n1 is linux\/arm64\.$/);
    expect((await analyze(podImage, 'pod', pod))[0]?.cause).not.toContain('Node n1');
  });
});

describe('pod-image', () => {
  test('names the pod, the image and the container, and quotes the runtime', async () => {
    const [finding] = await analyze(
      podImage,
      'pod',
      pulling(
        `Back-off pulling image "${image}": ErrImagePull: rpc error: code = NotFound desc = ${resolve} ${image}: not found`,
      ),
    );
    expect(finding).toMatchObject({
      category: 'image-pull',
      decisive: true,
      cause: `Pod web-1 cannot start: image ${image} of container app cannot be pulled: the registry has no such image or tag (not found: a wrong name or tag) ("${image}: not found").`,
      facts: { container: 'app', image, registry: 'registry.example.com' },
    });
  });

  test('the newest failure holds, not an older one', async () => {
    const events = [
      eventObject(about, 'Failed', `Failed to pull image "${image}": failed to authorize: 401 Unauthorized`, {
        lastTimestamp: '2026-01-01T07:00:00Z',
      }),
      eventObject(about, 'Failed', `Failed to pull image "${image}": ${resolve} ${image}: not found`, { count: 9 }),
      eventObject(about, 'Failed', 'Error: ErrImagePull', { lastTimestamp: '2026-01-01T11:59:30Z' }),
    ];
    const [finding] = await analyze(podImage, 'pod', pulling(`Back-off pulling image "${image}"`), { events });
    expect(finding).toMatchObject({ category: 'image-pull', decisive: true });
    expect(finding?.cause).not.toContain('401');
    expect(finding?.description).toContain('9 pulls failed.');
  });

  test('of two containers each has its own failure', async () => {
    const spec = {
      containers: [
        { name: 'app', image },
        { name: 'side', image: 'side:2' },
      ],
    };
    const waiting = { waiting: { reason: 'ImagePullBackOff', message: 'Back-off' } };
    const pod = podObject('web-1', {
      spec,
      status: {
        phase: 'Pending',
        containerStatuses: ['app', 'side'].map((name) => ({ name, restartCount: 0, state: waiting })),
      },
    });
    const events = [
      eventObject(about, 'Failed', `Failed to pull image "${image}": ${image}: not found`),
      eventObject(about, 'Failed', 'Failed to pull image "side:2": toomanyrequests'),
    ];
    const findings = await analyze(podImage, 'pod', pod, { events });
    expect(findings.map(({ category, facts }) => `${facts['container']} ${category}`)).toEqual([
      'app image-pull',
      'side registry-limit',
    ]);
    expect(findings[1]?.facts['registry']).toBe('docker.io');
  });

  test('a pull secret that cannot be found outranks the refusal that follows from it', async () => {
    const refused = eventObject(about, 'Failed', `Failed to pull image "${image}": 401 Unauthorized`);
    const secret = (last: string) =>
      eventObject(
        about,
        'FailedToRetrieveImagePullSecret',
        'Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.',
        { lastTimestamp: last },
      );
    const [finding] = await analyze(podImage, 'pod', pulling('Back-off pulling image'), {
      events: [secret('2026-01-01T11:58:00Z'), refused],
    });
    expect(finding).toMatchObject({ category: 'image-pull-secret', facts: { secret: 'regcred' } });
    expect(finding?.cause).toContain('pull secret regcred cannot be found in namespace shop');
    const advice = podImage.categories['image-pull-secret'].advice(finding as never, placeOf(finding as never));
    expect(advice.map(({ action }) => action)[0]).toBe('kubectl -n shop get secret regcred');
    const [later] = await analyze(podImage, 'pod', pulling('Back-off'), {
      events: [secret('2026-01-01T07:00:00Z'), refused],
    });
    expect(later).toMatchObject({ category: 'image-access' });
  });

  test('a limit of pulls without credentials names the pull secret that is missing', async () => {
    const events = [
      eventObject(
        about,
        'FailedToRetrieveImagePullSecret',
        'Unable to retrieve some image pull secrets (hub); attempting to pull the image may not succeed.',
      ),
    ];
    const [finding] = await analyze(podImage, 'pod', pulling('toomanyrequests: rate limit', 'ErrImagePull'), {
      events,
    });
    expect(finding).toMatchObject({ category: 'registry-limit' });
    expect(finding?.cause).toContain('Pull secret hub cannot be found, so it is pulled without credentials.');
  });

  test('a refusal says with which pull secrets the pod asks', async () => {
    const refusal = `rpc error: code = Unknown desc = ${resolve} unexpected status: 401 Unauthorized`;
    const [without] = await analyze(podImage, 'pod', pulling(refusal));
    expect(without?.cause).toContain('The pod names no pull secret.');
    const [named] = await analyze(
      podImage,
      'pod',
      pulling(refusal, 'ErrImagePull', { imagePullSecrets: [{ name: 'hub' }] }),
    );
    expect(named?.cause).toContain('The pod names the pull secret hub.');
  });

  test('words that are not known are quoted', async () => {
    const [finding] = await analyze(
      podImage,
      'pod',
      pulling('rpc error: code = Unknown desc = moon in the wrong phase', 'ErrImagePull'),
    );
    expect(finding).toMatchObject({ category: 'image-pull-failed', decisive: true });
    expect(finding?.cause).toContain('("moon in the wrong phase")');
    const [none] = await analyze(podImage, 'pod', pulling(''));
    expect(none).toMatchObject({ decisive: false });
  });

  test('a full disk points at the node; a container that ran before fails since its first failure', async () => {
    const pod = podObject('web-1', {
      state: {
        restartCount: 1,
        state: { waiting: { reason: 'ErrImagePull', message: 'no space left on device' } },
        lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T11:30:00Z' } },
      },
    });
    const [finding] = await analyze(podImage, 'pod', pod, {
      events: [eventObject(about, 'Failed', `Failed to pull image "${image}": no space left on device`)],
    });
    expect(finding).toMatchObject({
      category: 'node-disk-full',
      pointers: [{ kind: 'node', name: 'n1' }],
      when: { from: '2026-01-01T11:30:00.000Z' },
    });
  });

  test('a pull that goes on for long is told, without certainty', async () => {
    const creating = podObject('web-1', {
      status: { phase: 'Pending' },
      state: { state: { waiting: { reason: 'ContainerCreating' } } },
    });
    const pull = (last: string) =>
      eventObject(about, 'Pulling', `Pulling image "${image}"`, { type: 'Normal', lastTimestamp: last });
    const [finding] = await analyze(podImage, 'pod', creating, { events: [pull('2026-01-01T11:40:00Z')] });
    expect(finding).toMatchObject({ category: 'image-pull-slow', decisive: false, facts: { image } });
    expect(await analyze(podImage, 'pod', creating, { events: [pull('2026-01-01T11:58:00Z')] })).toEqual([]);
  });

  test('a pod that is being deleted pulls no more', async () => {
    const pod = podObject('web-1', {
      meta: { deletionTimestamp: '2026-01-01T11:59:00Z' },
      state: { state: { waiting: { reason: 'ErrImagePull', message: 'not found' } } },
    });
    expect(await analyze(podImage, 'pod', pod)).toEqual([]);
  });

  test('a pod that runs has no finding', async () => {
    expect(await analyze(podImage, 'pod', podObject('web-1'))).toEqual([]);
  });
});
