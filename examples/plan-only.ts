import { AssumedFacts, FactsDocument, InstallPlan, PlanDocument, Policies, Settings } from "@kata-deploy/core"
import document from "./plan-only.facts.json" with { type: "json" }

// What would an install do on a node? Nothing is asked and nothing is touched: the node is a file.
const told = FactsDocument.decode(document)
if (told._tag === "Failure") throw told.failure

// Settings are the variables of an operator. Every mistake in them is found at once.
const settings = Settings.decode({
  architecture: "x86_64",
  variables: { SHIMS_X86_64: "qemu", CONTAINER_RUNTIME_VERSION: "containerd://2.1.5-k3s1" },
  customConfigs: { _tag: "Files", files: new Map() },
  api: "not-used",
})
if (settings._tag === "Failure") throw settings.failure

// What the file does not tell of is taken for absent. On a real node it would be looked at.
const policies = Policies.standard
const input = { settings: settings.success, facts: told.success, policies }
const facts = AssumedFacts.nothingElse(input)

// Either a plan, or all the reasons why there can be none.
const plan = InstallPlan.make({ ...input, action: "install", facts })
if (plan._tag === "Failure") {
  for (const { message, remedy } of plan.failure.problems) console.log(`${message} ${remedy}`)
} else {
  const { handlers, runtime, stages } = plan.success
  console.log(`${runtime} will offer ${handlers.join(", ")}`)
  for (const { stage, steps } of stages) {
    console.log(`${stage}:`)
    for (const { action, because } of steps) console.log(`  ${PlanDocument.summary(action)}: ${because}`)
  }
}
