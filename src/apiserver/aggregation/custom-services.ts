/** The APIServices of custom kinds: they come and go with the definitions. */
import type { APIService as ServiceObject } from '#api/apiregistration/api-service.ts';
import { APIService } from '#api/apiregistration/api-service.ts';
import type { CustomResourceDefinition as DefinitionObject } from '#api/apiextensions/custom-resource-definition.ts';
import { CustomResourceDefinition } from '#api/apiextensions/custom-resource-definition.ts';
import { sameJson } from '#apimachinery/json.ts';
import type { Given } from '#apimachinery/resource.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import type { ObjectReader } from '../admission/admission.ts';
import { customService, managedLabel } from './local-services.ts';

export interface CustomServicesPlan {
  readonly create: readonly Given<ServiceObject>[];
  readonly update: readonly ServiceObject[];
  readonly delete: readonly string[];
}

/** What has to be done. Pure. An APIService that somebody else has written under such a name is left alone. */
export function planCustomServices(definitions: Iterable<DefinitionObject>, services: Iterable<ServiceObject>): CustomServicesPlan {
  const wanted = new Map<string, Given<ServiceObject>>();
  for (const { spec, status, metadata } of definitions) {
    const isEstablished = (status.conditions ?? []).some((each) => each.type === 'Established' && each.status === 'True');
    if (!isEstablished || metadata.deletionTimestamp !== undefined) continue;
    for (const { name, served } of spec.versions) {
      const service = customService(spec.group, name);
      if (served) wanted.set(service.metadata?.name ?? '', service);
    }
  }
  const update: ServiceObject[] = [];
  const gone: string[] = [];
  for (const service of services) {
    const { name, labels } = service.metadata;
    const given = wanted.get(name);
    wanted.delete(name);
    if (labels?.[managedLabel] !== 'true') continue;
    if (given === undefined) {
      gone.push(name);
      continue;
    }
    const spec = { ...given.spec, groupPriorityMinimum: given.spec?.groupPriorityMinimum ?? 0, versionPriority: given.spec?.versionPriority ?? 0 };
    if (!sameJson(spec, service.spec)) update.push({ ...service, spec });
  }
  return { create: [...wanted.values()], update, delete: gone };
}

/** Carries the plan out. What others have done meanwhile is found at the next change. */
export async function syncCustomServices(objects: ObjectReader, admin: Client): Promise<void> {
  const tolerate = (error: unknown): void => {
    if (!(error instanceof StatusError)) throw error;
  };
  const plan = planCustomServices(objects.list(CustomResourceDefinition), objects.list(APIService));
  for (const name of plan.delete) await admin.delete(APIService, { name }).catch(tolerate);
  for (const service of plan.update) await admin.update(APIService, service).catch(tolerate);
  for (const service of plan.create) await admin.create(APIService, service).catch(tolerate);
}
