import { join } from './known.ts';
import type { KnownFailure } from './known.ts';

/** Ends on purpose, and ends that come from the platform. */
export const endings: readonly KnownFailure[] = [
  {
    kind: 'config-changed',
    pattern: join(
      'config\\w*(?: file)?\\b.{0,40}\\b(?:changed|was modified|updated)\\b.{0,60}\\b(?:exit|restart|shut|terminat|quit)',
      '\\b(?:exit|restart|terminat|quit)\\w*\\b.{0,60}\\b(?:config\\w*|certificates?|secret|settings?)\\b.{0,30}\\b(?:changed|updated|rotated|was modified)',
      '\\b(?:certificate|secret|ca bundle)\\b.{0,40}\\b(?:changed|rotated|updated)\\b.{0,40}\\b(?:exit|restart)',
    ),
    says: 'The program ends on purpose, to start again with what changed.',
  },
  {
    kind: 'leader-lost',
    pattern: join(
      'leader ?election lost',
      'lost (?:the )?(?:leader ?election|leadership|leader lease|lease|master)\\b',
      'failed to renew lease',
      'leader election .{0,40}\\b(?:lost|timed out)',
      'no longer (?:the )?leader\\b.{0,40}(?:exit|stop|shut)',
    ),
    says: 'It lost the leader lease, which ends a controller on purpose: the API server did not answer in time, or the process was too slow to renew it.',
  },
  {
    kind: 'dns-loop',
    pattern: /plugin\/loop: Loop|forwarding loop detected/i,
    says: 'The name server forwards its queries to itself (a loop in the resolv.conf of the node).',
  },
  {
    kind: 'exec-format',
    pattern:
      /exec format error|cannot execute binary file|bad CPU type|rosetta error|qemu-\w+(?:-static)?: Could not open/i,
    says: 'The program is built for another architecture than that of the node, or is no executable.',
  },
  {
    kind: 'missing-definition',
    pattern: join(
      'no (?:kind )?match(?:es)? for kind',
      'customresourcedefinitions?\\b.{0,160}\\b(?:not found|missing|does not exist|not installed|not registered)',
      '(?:missing|not found|install)\\b.{0,60}\\b(?:CRDs?|CustomResourceDefinitions?)\\b',
      '\\bCRDs?\\b.{0,60}\\b(?:not found|missing|not installed|does not exist|not registered)',
      'the server could not find the requested resource',
      'if kind is a CRD, it should be installed',
    ),
    says: 'The cluster does not have a resource definition that the program needs.',
  },
  {
    kind: 'forbidden',
    pattern: /is forbidden: User "|cannot (?:get|list|watch|create|update|patch|delete) resource "/i,
    says: 'Its service account lacks a right (RBAC).',
  },
  {
    kind: 'child-killed',
    pattern: join(
      'was sent SIGKILL',
      'signal: killed',
      '(?:exited on|killed by|terminated by|received|caught) signal:? (?:9\\b|SIGKILL|killed)',
      '(?:worker|child|process|subprocess)\\b.{0,80}\\bSIGKILL',
      'signal=SIGKILL',
      'SIGKILL.{0,40}out of memory',
      'process in the process pool was terminated abruptly',
      '^(?:\\S+: line \\d+: +)?\\d* *Killed\\b(?: {2,}\\S.*)?$',
    ),
    says: 'A process in the container was killed with SIGKILL.',
  },
  {
    kind: 'memory',
    pattern: join(
      '(?<!\\w)OutOfMemoryError',
      'heap out of memory',
      '\\bMemoryError\\b',
      'out of memory',
      'cannot allocate memory',
      'std::bad_alloc',
      'could not reserve enough space',
      'memory allocation of \\d+ bytes failed',
      'Allowed memory size of \\d+ bytes exhausted',
      '\\bENOMEM\\b',
      '(?<!\\w)OutOfMemoryException',
    ),
    says: 'The program ran out of the memory that it may use.',
  },
];
