import { readFile } from "node:fs/promises";
import { load } from "js-yaml";

/** A part of config.schema.yaml, as far as it is used there. */
export interface Schema {
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly patternErrorMessage?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly propertyNames?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

/** A setting, or a group of them, with its path: `providers.<name>.url` for a setting under a name of one's own. */
export interface Setting {
  readonly path: string;
  readonly schema: Schema;
  readonly isGroup: boolean;
  readonly isRequired: boolean;
  /** Where settings differ by `type`: for which of them it is. */
  readonly types: readonly string[];
}

/** Reads config.schema.yaml. */
export async function readSchema(): Promise<Schema> {
  return load(await readFile(new URL("../../config.schema.yaml", import.meta.url), "utf8")) as Schema;
}

/** All settings and groups of a schema, in its order; those that several types have alike are one. */
export function settingsOf(root: Schema): readonly Setting[] {
  const settings: Setting[] = [];
  for (const setting of walk(root, root, "", [])) {
    const same = settings.find(
      ({ path, schema }) => path === setting.path && JSON.stringify(schema) === JSON.stringify(setting.schema),
    );
    if (same === undefined || setting.types.length === 0) settings.push(setting);
    else settings[settings.indexOf(same)] = { ...same, types: [...same.types, ...setting.types] };
  }
  return settings;
}

function* walk(root: Schema, parent: Schema, path: string, types: readonly string[]): Generator<Setting> {
  const named = typeof parent.additionalProperties === "object" ? { "<name>": parent.additionalProperties } : {};
  for (const [name, part] of Object.entries({ ...parent.properties, ...named })) {
    const schema = resolved(root, part);
    const at = path === "" ? name : `${path}.${name}`;
    const isGroup = schema.type === "object";
    const isRequired = parent.required?.includes(name) ?? false;
    yield { path: at, schema, isGroup, isRequired, types };
    yield* walk(root, schema, at, types);
  }
  for (const variant of parent.oneOf ?? []) {
    const type = variant.properties?.["type"]?.const;
    yield* walk(root, variant, path, typeof type === "string" ? [type] : types);
  }
}

/** The target of a reference, with the schema's words beside the reference. */
function resolved(root: Schema, { $ref, ...beside }: Schema): Schema {
  if ($ref === undefined) return beside;
  const target = root.$defs?.[$ref.replace("#/$defs/", "")];
  if (target === undefined) throw new Error(`${$ref} is not in the schema`);
  return { ...resolved(root, target), ...beside };
}
