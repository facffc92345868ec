import { Pod } from '#api/core/pod.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { KubeObject, OwnerReference } from '#apimachinery/object-meta.ts';
import { forbidden } from '#apimachinery/status-error.ts';
import type { Attributes, Authorizer } from '../../authz/authorizer.ts';
import { decideFully } from '../../authz/authorizer.ts';
import type { ServedKinds } from '../../request/served-kinds.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';

/**
 * Owners are named only by those who may delete the object, for that is what owners do; and nobody holds up the deletion
 * of an owner whose finalizers he may not change.
 * Source: Kubernetes documentation, "OwnerReferencesPermissionEnforcement".
 */
export function ownerReferencesPermission({ authorizers, kinds }: { readonly authorizers: readonly Authorizer[]; readonly kinds: ServedKinds }): AdmissionPlugin {
  const ask = async (request: AdmissionRequest, what: Partial<Attributes>): Promise<string | undefined> => {
    const { verdict, reason } = await decideFully(authorizers, {
      user: request.user, verb: 'delete', isResource: true, path: '', group: '', version: '', resource: '', subresource: '', namespace: request.namespace, name: '', ...what,
    });
    return verdict === 'allow' ? undefined : reason;
  };
  return {
    name: 'OwnerReferencesPermissionEnforcement',
    async validate(request) {
      const { kind, subresource, object, old, name, operation } = request;
      if (object === undefined || operation === 'DELETE' || (kind === (Pod as unknown) && subresource === 'status')) return;
      const owners = ownersOf(object);
      const before = ownersOf(old);
      if (saysTheSame(owners, before)) return;
      const refused = await ask(request, { group: kind.group, version: kind.version, resource: kind.plural, subresource, name });
      const subject = name === '' ? (object.metadata.name ?? '') : name;
      if (refused !== undefined) throw forbidden(kind, subject, `cannot set an ownerRef on a resource you can't delete: ${refused}, <nil>`);
      for (const owner of owners.filter((each) => each.blockOwnerDeletion === true && before.find(({ uid }) => uid === each.uid)?.blockOwnerDeletion !== true)) {
        const [group, version] = owner.apiVersion.includes('/') ? owner.apiVersion.split('/') as [string, string] : ['', owner.apiVersion];
        const ownerKind = kinds.findKind(group, version, owner.kind);
        if (ownerKind === undefined) throw forbidden(kind, subject, `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${owner.apiVersion} Kind ${owner.kind}: no matches for kind ${JSON.stringify(owner.kind)} in version ${JSON.stringify(owner.apiVersion)}`);
        const why = await ask(request, { verb: 'update', group, version, resource: ownerKind.plural, subresource: 'finalizers', name: owner.name, namespace: ownerKind.scope === 'Cluster' ? '' : request.namespace });
        if (why !== undefined) throw forbidden(kind, subject, `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${why}, <nil>`);
      }
    },
  };
}

function ownersOf(object: KubeObject | undefined): readonly OwnerReference[] {
  return object?.metadata.ownerReferences ?? [];
}
