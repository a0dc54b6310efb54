import { change, describeCommand, kindAndName, look, unreadyQuestions } from '../advice.ts';
import type { Category } from '../define.ts';
import type { RefusalCategory } from './refusal-words.ts';

const refused = (meaning: string, changes: RegExp | null, advice: Category['advice']): Category => ({
  meaning,
  happened: 'could not create its pods',
  nearness: 90,
  answers: [...unreadyQuestions, 'autoscaler'],
  changes,
  advice,
});
const describe =
  (rationale: string): Category['advice'] =>
  (draft) => [look(describeCommand(draft), rationale)];

/** What each kind of refusal means, and what one can do. */
export const refusalCategories: Readonly<Record<RefusalCategory, Category>> = {
  'quota-exceeded': refused(
    'A quota of the namespace leaves no room for new objects.',
    /(?:request|limit)$/,
    (draft, { namespace }) => [
      look(
        `kubectl -n ${namespace} describe resourcequota ${draft.facts['named'] ?? ''}`.trimEnd(),
        'Shows the quota and what is used of it; pods of other workloads count too.',
      ),
      change(
        `Raise quota ${draft.facts['named'] ?? ''} of namespace ${namespace}, or let ${kindAndName(draft.object)} ask for less.`,
        draft.facts['message'] ?? 'The quota leaves no room.',
      ),
    ],
  ),
  'quota-unset': refused(
    'A quota demands requests or limits that a pod does not have.',
    /(?:request|limit)$/,
    (draft, { namespace }) => [
      look(
        `kubectl -n ${namespace} describe resourcequota,limitrange`,
        'Shows for which resources the quota demands amounts, and whether a limit range gives defaults.',
      ),
      change(
        `Give every container of ${kindAndName(draft.object)} in namespace ${namespace} the requests and limits that the quota counts.`,
        'A quota on a resource refuses pods that do not say how much of it they take.',
      ),
    ],
  ),
  'limit-range': refused(
    'A limit range of the namespace does not allow what a pod asks for.',
    /(?:request|limit)$/,
    (draft, { namespace }) => [
      look(
        `kubectl -n ${namespace} describe limitranges`,
        'Shows the least and the most that a container or a pod may have.',
      ),
      change(
        `Change the requests and limits of ${kindAndName(draft.object)} in namespace ${namespace}, or the limit range.`,
        draft.facts['message'] ?? 'The limit range does not allow them.',
      ),
    ],
  ),
  'service-account-missing': refused(
    'The service account of a pod does not exist.',
    /^service account$/,
    (draft, { namespace }) => [
      look(
        `kubectl -n ${namespace} get serviceaccounts`,
        'Shows which service accounts exist: a wrong name is more common than a lost one.',
      ),
      change(
        `Create service account ${draft.facts['named'] ?? ''} in namespace ${namespace}, or correct serviceAccountName of ${kindAndName(draft.object)}.`,
        'Pods are not created for a service account that does not exist.',
      ),
    ],
  ),
  'pod-security-refused': refused(
    'The security rules of the namespace (PodSecurity, SCC, PSP) do not allow a pod.',
    /^(?:security context|host network|volumes|ports|container|image|service account)$/,
    (draft, { namespace }) => [
      look(
        `kubectl -n ${namespace} get ${kindAndName(draft.object)} -o jsonpath='{.spec.template.spec.securityContext}{.spec.template.spec.containers[*].securityContext}'`,
        'Shows the security context that the rules refuse.',
      ),
      change(
        `Correct the security context of ${kindAndName(draft.object)} in namespace ${namespace} as the message says, or let the namespace have another level.`,
        draft.facts['message'] ?? 'The security rules refuse it.',
      ),
    ],
  ),
  'admission-denied': refused('An admission policy or webhook refuses a pod.', /./, (draft, { namespace }) => [
    look(
      `Compare the labels and the pod template with policy ${draft.facts['named'] ?? ''}: kubectl -n ${namespace} get ${kindAndName(draft.object)} -o yaml`,
      'The policy says in its message what it misses.',
    ),
    change(
      `Give the pods of ${kindAndName(draft.object)} in namespace ${namespace} what policy ${draft.facts['named'] ?? ''} asks for.`,
      draft.facts['message'] ?? 'The policy refuses them.',
    ),
  ]),
  'webhook-unreachable': refused('An admission webhook does not answer, and so nothing is created.', null, (draft) => [
    look(
      draft.facts['service'] === undefined
        ? `kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations`
        : `Look at what answers for webhook ${draft.facts['named'] ?? ''}: kubectl -n ${draft.facts['service'].split('/')[0]} get service,endpointslices,pods`,
      `Shows whether the pods behind webhook ${draft.facts['named'] ?? ''} run and are ready.`,
    ),
  ]),
  'class-missing': refused(
    'The priority class or the runtime class of a pod does not exist.',
    /^priority class$/,
    (draft, { namespace }) => [
      look('kubectl get priorityclasses,runtimeclasses', 'Shows which classes exist.'),
      change(
        `Create ${draft.facts['named'] ?? 'the class'}, or correct the name in ${kindAndName(draft.object)} of namespace ${namespace}.`,
        'Pods are not created for a class that does not exist.',
      ),
    ],
  ),
  'namespace-ending': refused('The namespace is being deleted.', null, (_, { namespace }) => [
    look(`kubectl get namespace ${namespace} -o yaml`, 'Shows since when it is being deleted, and what holds it.'),
  ]),
  'not-permitted': refused(
    'A controller may not create what it has to.',
    null,
    describe('Shows who is refused and what; its roles are missing.'),
  ),
  'pod-invalid': refused(
    'The template of a workload makes objects that are invalid.',
    /./,
    describe('Shows the field that is invalid.'),
  ),
  'api-server-fault': refused(
    'The API server or its database fails.',
    null,
    describe('Shows the answers of the API server.'),
  ),
  'create-refused': refused(
    'The API server refuses the pods of a workload.',
    /./,
    describe('Shows the answer of the API server.'),
  ),
};
