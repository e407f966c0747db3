/**
 * Answers: how does a Kata virtual volume travel in a mount option? Base64 of JSON, the same bytes for the same
 * volume: fields in a fixed order, keys of maps sorted, characters escaped as Go's encoder does.
 * Source: facts nydus §7; encoding/json of Go 1.24 (`HTMLEscape`).
 */
import { Result, Schema } from "effect"
import * as Base64 from "effect/encoding/Base64"
import { invalid, type KataVolume, types, type VolumeType } from "./KataVolume.ts"

/** What stands in front of the text in a mount option. */
export const optionName = "io.katacontainers.volume"

const sorted = (map: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))

/** The fields that are there and not empty, in the order in which Go writes them. */
const ordered = (volume: KataVolume): Readonly<Record<string, unknown>> => {
  const { direct_volume, dm_verity, fs_type, image_pull, nydus_image, options, source } = volume
  return {
    volume_type: volume.volume_type,
    ...((source ?? "") === "" ? {} : { source }),
    ...((fs_type ?? "") === "" ? {} : { fs_type }),
    ...((options ?? []).length === 0 ? {} : { options }),
    ...(direct_volume === undefined ? {} : { direct_volume: { metadata: sorted(direct_volume.metadata) } }),
    ...(image_pull === undefined ? {} : { image_pull: { metadata: sorted(image_pull.metadata) } }),
    ...(nydus_image === undefined
      ? {}
      : { nydus_image: { config: nydus_image.config, snapshot_dir: nydus_image.snapshot_dir } }),
    ...(dm_verity === undefined
      ? {}
      : {
          dm_verity: {
            hashtype: dm_verity.hashtype,
            hash: dm_verity.hash,
            blocknum: dm_verity.blocknum,
            blocksize: dm_verity.blocksize,
            hashsize: dm_verity.hashsize,
            offset: dm_verity.offset,
          },
        }),
  }
}

/** Go escapes these wherever they stand. */
const escaped = (json: string): string =>
  json.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** The whole mount option of a volume; fails with what is wrong with it, as a clause. It may hold secrets. */
export const option = (volume: KataVolume): Result.Result<string, string> => {
  const wrong = invalid(volume)
  return wrong === undefined
    ? Result.succeed(`${optionName}=${Base64.encode(escaped(JSON.stringify(ordered(volume))))}`)
    : Result.fail(wrong)
}

const Metadata = Schema.Struct({ metadata: Schema.Record(Schema.String, Schema.String) })

const Document = Schema.Struct({
  volume_type: Schema.Literals(Object.keys(types) as ReadonlyArray<VolumeType>),
  source: Schema.optionalKey(Schema.String),
  fs_type: Schema.optionalKey(Schema.String),
  options: Schema.optionalKey(Schema.Array(Schema.String)),
  direct_volume: Schema.optionalKey(Metadata),
  image_pull: Schema.optionalKey(Metadata),
  nydus_image: Schema.optionalKey(Schema.Struct({ config: Schema.String, snapshot_dir: Schema.String })),
  dm_verity: Schema.optionalKey(
    Schema.Struct({
      hashtype: Schema.String,
      hash: Schema.String,
      blocknum: Schema.Finite,
      blocksize: Schema.Finite,
      hashsize: Schema.Finite,
      offset: Schema.Finite,
    }),
  ),
})

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Document))

/** The volume of a mount option; fails with a clause that repeats nothing of the text, which may hold secrets. */
export const parse = (text: string): Result.Result<KataVolume, string> => {
  if (!text.startsWith(`${optionName}=`)) return Result.fail(`it does not begin with ${optionName}=`)
  return Base64.decodeString(text.slice(optionName.length + 1)).pipe(
    Result.mapError(() => "what follows is not base64"),
    Result.flatMap((json) => Result.mapError(decode(json), () => "it holds no Kata virtual volume")),
    Result.flatMap((volume: KataVolume) => {
      const wrong = invalid(volume)
      return wrong === undefined ? Result.succeed(volume) : Result.fail(wrong)
    }),
  )
}
