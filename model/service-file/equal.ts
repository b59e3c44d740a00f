/** Whether two pieces of plain data are the same, whatever the order of their keys. Pure. */

/** A key whose value is undefined is as good as none. */
export function isSameData(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const [one, other] = [membersOf(left), membersOf(right)];
  return (
    one.size === other.size &&
    [...one].every(([key, value]) => other.has(key) && isSameData(value, other.get(key)))
  );
}

function membersOf(value: object): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(value).filter(([, member]) => member !== undefined));
}
