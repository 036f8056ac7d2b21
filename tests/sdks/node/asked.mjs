// What both programs share: what they are asked, the SDK from the folder it is installed in, a clock that may be wrong.
import { createRequire } from 'node:module'
import { argv, stdin, stdout } from 'node:process'
import { json } from 'node:stream/consumers'

export const asked = await json(stdin)
export const sdk = createRequire(argv[2])

if (asked.ahead_seconds) {
  const Right = Date
  globalThis.Date = class extends Right {
    constructor(...parts) {
      if (parts.length) super(...parts)
      else super(Date.now())
    }
    static now() {
      return Right.now() + asked.ahead_seconds * 1000
    }
  }
}

export async function made(make) {
  for (const { type, ...call } of asked.calls) {
    if (call.timestamp) call.timestamp = new Date(call.timestamp)
    make(type, call)
    if (asked.pause_ms) await new Promise((resolve) => setTimeout(resolve, asked.pause_ms))
  }
}

export function tell(errors) {
  stdout.write(JSON.stringify({ errors }))
}
