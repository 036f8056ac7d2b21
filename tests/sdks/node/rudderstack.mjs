// Makes the calls that it reads from its input with @rudderstack/rudder-sdk-node, and prints what the SDK told of errors.
import { asked, made, sdk, tell } from './asked.mjs'

const Analytics = sdk('@rudderstack/rudder-sdk-node')
const errors = []
let open = 0
const analytics = new Analytics(asked.key, {
  dataPlaneUrl: asked.host,
  logLevel: 'none',
  errorHandler: () => {},
  ...asked.options,
})
await made((kind, call) => {
  open += 1
  analytics[kind](call, (error) => {
    open -= 1
    if (error) errors.push({ error: String(error.message ?? error), events: 1 })
  })
})
while (open > 0) {
  await analytics.flush()
  await new Promise((resolve) => setTimeout(resolve, 20))
}
tell(errors)
