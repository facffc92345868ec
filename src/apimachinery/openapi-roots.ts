/** The documents that are no resources: discovery, the version, the keys of tokens. Used by `openapi.ts`. */
import { APIGroup, APIGroupList, APIResourceList, APIVersions, VersionInfo } from './meta-schemas.ts';
import type { Parameter } from './openapi-parameters.ts';
import type { Content, Operation, PathItem } from './openapi-paths.ts';
import { basePath, objectTypes } from './openapi-paths.ts';
import { capital, groupWord } from './openapi-words.ts';
import type { ResourceKind } from './resource.ts';

export interface RootDocument {
  /** What `/openapi/v3` calls the document about it: `apis/apps`. */
  readonly key: string;
  readonly tag: string;
  readonly items: readonly PathItem[];
}

const discoveryTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

/** All of them. Groups of custom resources have no document of their own. */
export function rootDocuments(kinds: readonly ResourceKind[]): readonly RootDocument[] {
  const versions = 'get available API versions';
  const groups = new Set(kinds.filter(({ group, isCustom }) => group !== '' && isCustom !== true).map(({ group }) => group));
  return [
    root('.well-known/openid-configuration', 'WellKnown', 'getServiceAccountIssuerOpenIDConfiguration', "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'", {
      answer: { is: 'text' }, consumes: undefined, produces: ['application/json'],
    }),
    root('api', 'core', 'getCoreAPIVersions', versions, discovery({ is: 'struct', struct: APIVersions })),
    root('apis', 'apis', 'getAPIVersions', versions, discovery({ is: 'struct', struct: APIGroupList })),
    ...[...groups].map((group) => root(`apis/${group}`, groupWord(group), `get${capital(groupWord(group))}APIGroup`, 'get information of a group', discovery({ is: 'struct', struct: APIGroup }))),
    { key: 'logs', tag: 'logs', items: [logs('/logs/', 'logFileListHandler', []), logs('/logs/{logpath}', 'logFileHandler', [logPath])] },
    root('openid/v1/jwks', 'openid', 'getServiceAccountIssuerOpenIDKeyset', 'get service account issuer OpenID JSON Web Key Set (contains public token verification keys)', {
      answer: { is: 'text' }, consumes: undefined, produces: ['application/jwk-set+json'],
    }),
    root('version', 'version', 'getCodeVersion', 'get the version information for this server', {
      answer: { is: 'struct', struct: VersionInfo }, consumes: ['application/json'], produces: ['application/json'],
    }),
  ];
}

type Answer = Pick<Operation, 'answer' | 'consumes' | 'produces'>;

function discovery(answer: Content): Answer {
  return { answer, consumes: discoveryTypes, produces: discoveryTypes };
}

function root(key: string, tag: string, id: string, description: string, answer: Answer): RootDocument {
  return { key, tag, items: [item(`/${key}/`, id, description, answer)] };
}

function item(path: string, id: string, description: string, answer: Answer): PathItem {
  return { path, operations: [{ id, method: 'get', description, deed: undefined, parameters: [], codes: [200], ...answer }] };
}

const logPath: Parameter = { name: 'logpath', in: 'path', type: 'string', description: 'path to the log' };

/** Files: nothing is said of what they contain. */
function logs(path: string, id: string, parameters: readonly Parameter[]): PathItem {
  return { path, operations: [{ id, method: 'get', description: '', deed: undefined, parameters, codes: [], answer: { is: 'text' }, consumes: undefined, produces: undefined }] };
}

/** The list of a group version's resources, which is part of the document of that group version. */
export function resourceListPath({ group, version, apiVersion }: ResourceKind): PathItem {
  const id = `get${capital(groupWord(group))}${capital(version)}APIResources`;
  return item(`${basePath(apiVersion)}/`, id, 'get available resources', { answer: { is: 'struct', struct: APIResourceList }, consumes: objectTypes, produces: objectTypes });
}
