import { MutatingWebhookConfiguration } from '#api/admissionregistration/mutating-webhook-configuration.ts';
import { parseExactJson } from '#apimachinery/exact-json.ts';
import { sameJson } from '#apimachinery/json.ts';
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import { jsonPatch } from '#apimachinery/patch-json.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { internalError } from '#apimachinery/status-error.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { Verdict } from './admission-review.ts';
import { objectAs } from './admission-review.ts';
import type { Hook, WebhookDependencies } from './hooks.ts';
import { ask, isExempt, kindFor, waitedFor } from './hooks.ts';
import { replaceDraft } from './replace-draft.ts';

/** What happened to a request so far; kept until all plugins have seen it a second time. */
interface Rounds {
  /** Webhooks that were asked and want to see it again when it is changed after them. */
  readonly eligible: Set<string>;
  /** Those of them after which it was changed. */
  readonly again: Set<string>;
  /** The object as the webhooks left it. */
  after: object | null;
}

/**
 * Webhooks that may change the object: one after the other, by the names of their configurations.
 * Source: Kubernetes documentation, "Dynamic Admission Control".
 */
export function mutatingWebhooks(dependencies: WebhookDependencies): AdmissionPlugin {
  const rounds = new WeakMap<AdmissionRequest, Rounds>();
  return {
    name: 'MutatingAdmissionWebhook',
    mutate(request, context) {
      const hooks = hooksOf(context);
      // Most clusters have none, and their writes need not wait.
      return hooks.length === 0 || isExempt(request) ? undefined : mutateAll(hooks, request, context);
    },
    async mutateAgain(request, context) {
      const round = rounds.get(request);
      if (round === undefined) return;
      const changedSince = !sameJson(snapshot(request), round.after);
      for (const [index, hook] of hooksOf(context).entries()) {
        if ((changedSince ? round.eligible : round.again).has(hook.key)) await mutateBy(hook, request, context, { ...dependencies, place: `round_1_index_${index}` });
      }
    },
  };

  async function mutateAll(hooks: readonly Hook[], request: AdmissionRequest, context: AdmissionContext): Promise<'reinvoke' | undefined> {
    const round: Rounds = { eligible: new Set(), again: new Set(), after: null };
    let changed = false;
    for (const [index, hook] of hooks.entries()) {
      const outcome = await mutateBy(hook, request, context, { ...dependencies, place: `round_0_index_${index}` });
      if (outcome === 'changed') {
        changed = true;
        for (const key of round.eligible) round.again.add(key);
      }
      if (outcome !== 'not-asked' && asksAgain(hook)) round.eligible.add(hook.key);
    }
    round.after = snapshot(request);
    if (!changed) return undefined;
    rounds.set(request, round);
    return 'reinvoke';
  }
}

function asksAgain({ webhook }: Hook): boolean {
  return 'reinvocationPolicy' in webhook && webhook.reinvocationPolicy === 'IfNeeded';
}

function snapshot({ object }: AdmissionRequest): object | null {
  return object === undefined ? null : (parseExactJson(JSON.stringify(object)) as object);
}

function hooksOf({ objects }: AdmissionContext): readonly Hook[] {
  const hooks: Hook[] = [];
  for (const { metadata, webhooks = [] } of objects.list(MutatingWebhookConfiguration)) {
    for (const webhook of webhooks) hooks.push({ key: `${metadata.name}/${webhook.name}`, configuration: metadata.name, webhook });
  }
  return hooks;
}

/** `place`: which round it is and which webhook, for the audit event. */
async function mutateBy(hook: Hook, request: AdmissionRequest, context: AdmissionContext, dependencies: WebhookDependencies & { readonly place: string }): Promise<'changed' | 'same' | 'not-asked'> {
  const kind = await kindFor(hook, request, context, dependencies);
  if (kind === undefined) return 'not-asked';
  const verdict = await waitedFor(ask(hook, request, kind, 'admit', dependencies), request, dependencies.clock);
  if (verdict === undefined) request.annotate?.(`failed-open.mutating.webhook.admission.k8s.io/${dependencies.place}`, hook.webhook.name);
  const outcome = await applyVerdict(verdict, request, kind);
  note(request, hook, dependencies.place, outcome === 'changed' ? verdict?.patch : undefined);
  return outcome;
}

/** Source: Kubernetes documentation, "Dynamic Admission Control: mutating webhook auditing annotations". */
function note({ annotate }: AdmissionRequest, { configuration, webhook }: Hook, place: string, patch: JsonValue | undefined): void {
  if (annotate === undefined) return;
  annotate(`mutation.webhook.admission.k8s.io/${place}`, JSON.stringify({ configuration, webhook: webhook.name, mutated: patch !== undefined }));
  if (patch !== undefined) annotate(`patch.webhook.admission.k8s.io/${place}`, JSON.stringify({ configuration, webhook: webhook.name, patch, patchType: 'JSONPatch' }), 'detail');
}

async function applyVerdict(verdict: Verdict | undefined, request: AdmissionRequest, kind: ResourceKind): Promise<'changed' | 'same'> {
  if (verdict?.patch === undefined || request.object === undefined) return 'same';
  const before = objectAs(kind, request.object) as JsonObject;
  let after;
  try {
    after = jsonPatch(before, verdict.patch);
  } catch (error) {
    throw internalError(error);
  }
  if (sameJson(before, after)) return 'same';
  await replaceDraft(request.object, kind, after);
  return 'changed';
}
