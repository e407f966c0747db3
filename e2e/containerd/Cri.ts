/**
 * What does a running containerd really serve? Asked the way a kubelet asks: gRPC on its socket.
 */
import { credentials, loadPackageDefinition, status as grpcStatus, type ServiceError } from "@grpc/grpc-js"
import { loadSync } from "@grpc/proto-loader"
import { join } from "node:path"

/** One runtime handler as containerd holds it in memory. */
export interface ServedHandler {
  readonly runtimeType: string
  readonly runtimePath: string
  readonly options: Readonly<Record<string, unknown>>
  readonly podAnnotations: ReadonlyArray<string>
  readonly snapshotter: string
}

/** The answer of the CRI. */
export type CriAnswer =
  | {
      readonly loaded: true
      readonly version: string
      readonly handlers: Readonly<Record<string, ServedHandler>>
      /** The whole CRI configuration in force. */
      readonly config: Readonly<Record<string, unknown>>
    }
  /** The daemon answers, but its CRI plugin is not there: what kubelet sees as "runtime network not ready" for ever. */
  | { readonly loaded: false; readonly why: string }

type Call<Request, Response> = (
  request: Request,
  options: { deadline: Date },
  done: (error: ServiceError | null, response: Response) => void,
) => void

interface RuntimeClient {
  readonly version: Call<object, { runtimeVersion: string }>
  readonly status: Call<{ verbose: boolean }, { info: Record<string, string> }>
  readonly close: () => void
}

const proto = loadPackageDefinition(loadSync(join(import.meta.dirname, "cri.proto"))) as unknown as {
  runtime: { v1: { RuntimeService: new (address: string, how: unknown) => RuntimeClient } }
}

interface RawHandler {
  readonly runtimeType?: string
  readonly runtimePath?: string
  readonly options?: Record<string, unknown> | null
  readonly PodAnnotations?: ReadonlyArray<string> | null
  readonly snapshotter?: string
}

/**
 * Asks the CRI at the socket `address` once.
 *
 * Fails when nobody answers there (yet); a daemon without CRI is an answer, not a failure.
 */
export const criStatus = async (address: string, deadlineMillis = 2_000): Promise<CriAnswer> => {
  const client = new proto.runtime.v1.RuntimeService(`unix://${address}`, credentials.createInsecure())
  const ask = <Request, Response>(call: Call<Request, Response>, request: Request): Promise<Response> =>
    new Promise((resolve, reject) =>
      call.call(client, request, { deadline: new Date(Date.now() + deadlineMillis) }, (error, response) =>
        error ? reject(error) : resolve(response),
      ),
    )
  try {
    const { runtimeVersion } = await ask(client.version, {})
    const { info } = await ask(client.status, { verbose: true })
    const config = JSON.parse(info["config"] ?? "{}") as {
      containerd?: { runtimes?: Record<string, RawHandler> }
    }
    const handlers = Object.fromEntries(
      Object.entries(config.containerd?.runtimes ?? {}).map(([name, raw]) => [
        name,
        {
          runtimeType: raw.runtimeType ?? "",
          runtimePath: raw.runtimePath ?? "",
          options: raw.options ?? {},
          podAnnotations: raw.PodAnnotations ?? [],
          snapshotter: raw.snapshotter ?? "",
        },
      ]),
    )
    return { loaded: true, version: runtimeVersion, handlers, config: config as Record<string, unknown> }
  } catch (error) {
    const { code, details } = error as ServiceError
    if (code === grpcStatus.UNIMPLEMENTED) return { loaded: false, why: details }
    throw error
  } finally {
    client.close()
  }
}
