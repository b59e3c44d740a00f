/** The routes of what a machine has, how a resource is watched, and the alerts and secrets of a deployable. */
import {
  addAlertBody,
  alertsBody,
  diskBody,
  machineBody,
  networkBody,
  removeAlertBody,
  secretBody,
  watchingBody,
} from '../model/cped-api.ts';
import { alertsAnswer, assemblyChangeAnswer, doneAnswer, secretAnswer } from '../model/cped-answers.ts';
import { addAlert, removeAlert, setAlerts } from './definitions/alerts.ts';
import { removeDisk, setDisk } from './definitions/disks.ts';
import { setMachine } from './definitions/machine.ts';
import { removeNetwork, setNetwork } from './definitions/networks.ts';
import { removeSecret, setSecret } from './definitions/secrets.ts';
import { setWatching } from './definitions/watching.ts';
import { changeAnswer } from './http-assemblies.ts';
import { route } from './http-context.ts';

export const settingRoutes = [
  route.json(
    {
      method: 'PUT',
      path: '/v1/assemblies/:name/machine',
      access: 'operate',
      summary: 'Set memory, CPUs and further forwarded ports of an assembly, from its next start on',
      body: machineBody,
      answer: assemblyChangeAnswer,
      errors: {
        invalid: ['bad-memory', 'bad-vcpus', 'bad-ports'],
        'not-found': ['unknown-assembly'],
        conflict: ['needed-by-others'],
      },
    },
    ({ definitions }, { params, body }) => changeAnswer(setMachine(definitions, params.name, body)),
  ),
  route.json(
    {
      method: 'PUT',
      path: '/v1/assemblies/:name/disks/:disk',
      access: 'operate',
      summary: 'Give an assembly a data disk, or a larger one, from its next start on',
      body: diskBody,
      answer: assemblyChangeAnswer,
      errors: {
        invalid: ['bad-disk', 'disk-shrinks'],
        'not-found': ['unknown-assembly'],
        conflict: ['too-many-disks', 'mount-taken', 'mount-not-possible'],
        failed: ['disk-full'],
      },
    },
    async ({ definitions }, { params: { name, disk }, body }) =>
      changeAnswer(await setDisk(definitions, name, disk, body)),
  ),
  route.json(
    {
      method: 'DELETE',
      path: '/v1/assemblies/:name/disks/:disk',
      access: 'operate',
      summary: 'Remove a data disk of an assembly that does not run, with all that is on it',
      answer: assemblyChangeAnswer,
      errors: {
        'not-found': ['unknown-assembly', 'unknown-disk'],
        conflict: ['assembly-running'],
      },
    },
    async ({ definitions }, { params: { name, disk } }) =>
      changeAnswer(await removeDisk(definitions, name, disk)),
  ),
  route.json(
    {
      method: 'PUT',
      path: '/v1/assemblies/:name/networks/:network',
      access: 'operate',
      summary:
        'Attach an assembly to network:NAME (of libvirt) or bridge:NAME (of the host), from its next start on',
      body: networkBody,
      answer: assemblyChangeAnswer,
      errors: {
        invalid: ['bad-network'],
        'not-found': ['unknown-assembly'],
        conflict: ['too-many-networks', 'mac-taken'],
      },
    },
    async ({ definitions }, { params: { name, network }, body }) =>
      changeAnswer(await setNetwork(definitions, name, network, body.mac ?? null)),
  ),
  route.json(
    {
      method: 'DELETE',
      path: '/v1/assemblies/:name/networks/:network',
      access: 'operate',
      summary: 'Detach an assembly from a further network, from its next start on',
      answer: assemblyChangeAnswer,
      errors: {
        invalid: ['bad-network'],
        'not-found': ['unknown-assembly', 'unknown-network'],
      },
    },
    ({ definitions }, { params: { name, network } }) =>
      changeAnswer(removeNetwork(definitions, name, network)),
  ),
  route.json(
    {
      method: 'PUT',
      path: '/v1/assemblies/:name/resources/:resource/watching',
      access: 'operate',
      summary: 'Set how a resource is watched where that is not as its template says; all of it at once',
      body: watchingBody,
      answer: assemblyChangeAnswer,
      errors: {
        'not-found': ['unknown-assembly', 'unknown-resource'],
        conflict: ['check-port-not-given'],
      },
    },
    ({ definitions }, { params: { name, resource }, body }) =>
      changeAnswer(setWatching(definitions, { assembly: name, resource }, body.watching)),
  ),
  route.json(
    {
      method: 'PUT',
      path: '/v1/deployables/:name/alerts',
      access: 'operate',
      summary: 'Set whom else to tell of what happens to a deployable; all of it at once',
      body: alertsBody,
      answer: alertsAnswer,
      errors: { 'not-found': ['unknown-deployable', 'unknown-secret'] },
    },
    ({ definitions }, { params, body }) => ({
      alerts: [...setAlerts(definitions, params.name, body.alerts)],
    }),
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/deployables/:name/alerts',
      access: 'operate',
      summary: 'Tell somebody else of what happens to a deployable',
      body: addAlertBody,
      answer: alertsAnswer,
      errors: {
        'not-found': ['unknown-deployable', 'unknown-secret'],
        conflict: ['too-many-alerts'],
      },
    },
    ({ definitions }, { params, body }) => ({
      alerts: [...addAlert(definitions, params.name, body.alert)],
    }),
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/deployables/:name/alerts/remove',
      access: 'operate',
      summary: 'Take out every alert of a deployable that goes to a webhook or a program',
      body: removeAlertBody,
      answer: alertsAnswer,
      errors: { 'not-found': ['unknown-deployable', 'unknown-alert'] },
    },
    ({ definitions }, { params, body }) => ({
      alerts: [...removeAlert(definitions, params.name, body.address)],
    }),
  ),
  route.json(
    {
      method: 'PUT',
      path: '/v1/deployables/:name/secrets/:secret',
      access: 'operate',
      summary:
        'Set a secret of a deployable, or have one drawn where there is none; its value is told to nobody',
      body: secretBody,
      answer: secretAnswer,
      errors: { invalid: ['bad-secret'], 'not-found': ['unknown-deployable'] },
    },
    ({ definitions }, { params: { name, secret }, body }) =>
      setSecret(definitions, name, secret, body.value ?? null, body.dryRun ?? false),
  ),
  route.json(
    {
      method: 'DELETE',
      path: '/v1/deployables/:name/secrets/:secret',
      access: 'operate',
      summary: 'Forget a secret of a deployable',
      answer: doneAnswer,
      errors: { 'not-found': ['unknown-deployable', 'unknown-secret'], conflict: ['secret-in-use'] },
    },
    ({ definitions }, { params: { name, secret } }) => {
      removeSecret(definitions, name, secret);
      return { done: true as const };
    },
  ),
];
