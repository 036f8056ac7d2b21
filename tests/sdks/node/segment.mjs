// Makes the calls that it reads from its input with @segment/analytics-node, and prints what the SDK told of errors.
import { asked, made, sdk, tell } from './asked.mjs'

const { Analytics } = sdk('@segment/analytics-node')
const analytics = new Analytics({ writeKey: asked.key, host: asked.host, ...asked.options })
const errors = []
analytics.on('error', (error) => errors.push({ error: String(error.reason ?? error.code), events: 1 }))
await made((kind, call) => analytics[kind](call))
await analytics.closeAndFlush({ timeout: 240_000 })
tell(errors)
