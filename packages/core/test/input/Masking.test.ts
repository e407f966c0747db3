import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Masking } from "../../src/index.ts"

const { maskSecrets } = Masking

describe("Masking", () => {
  for (const [what, text, masked] of [
    ["user and password of an URL", "http://user:pass@proxy:8080/x", "http://***@proxy:8080/x"],
    ["a token as user of an URL", "HTTPS://t0ken@proxy", "HTTPS://***@proxy"],
    ["several URLs of a line", "a=http://u:p@x;b=http://v:q@y", "a=http://***@x;b=http://***@y"],
    ["a password with an at sign in an URL", "http://u:p@ss@proxy", "http://***@proxy"],
    ["a value on its own line", 'password = "hunter2"', 'password = "***"'],
    ["an indented value", "\t username='me' # comment", '\t username="***" # comment'],
    ["a quoted key", '"auth" = "x"', '"auth" = "***"'],
    ["a dotted key", 'auth.password = "x"', 'auth.password = "***"'],
    ["a value of digits", "token = 12345", 'token = "***"'],
    ["an identity token", 'identitytoken = "x"', 'identitytoken = "***"'],
    ["a header with credentials", 'Authorization = ["Basic abc"]', 'Authorization = "***"'],
    ["an inline table", 'auth = { username = "x", password = "y" }', 'auth = "***"'],
    [
      "an inline table inside an inline table",
      'reg = { "a.b" = { auth = { username = "x", password = "y" } } }',
      'reg = { "a.b" = { auth = "***" } }',
    ],
    [
      "values inside an inline table",
      'reg = { url = "u", username = "x", password = "y" }',
      'reg = { url = "u", username = "***", password = "***" }',
    ],
    [
      "an array of values",
      'x = [{ token = "a" }, { token = "b" }]',
      'x = [{ token = "***" }, { token = "***" }]',
    ],
    ["a secret with an escaped quote", 'password = "a\\"b" # c', 'password = "***" # c'],
    ["a literal string", "password = 'a\"b'", 'password = "***"'],
    ["CRLF lines", 'password = "a"\r\nx = 1\r\n', 'password = "***"\r\nx = 1\r\n'],
    ["lines of a diff", '+password = "a"\n-  token = "b"\n', '+password = "***"\n-  token = "***"\n'],
    ["JSON", '{"auth": "abc", "x": 1}', '{"auth": "***", "x": 1}'],
  ] as const) {
    it(`masks ${what}`, () => {
      assert.strictEqual(maskSecrets(text), masked)
    })
  }

  for (const text of [
    'runtime_path = "/opt/kata/bin/containerd-shim-kata-v2"',
    "imports = ['/etc/containerd/conf.d/*.toml']",
    'authority = "x"',
    'auth_path = "/x"',
    'password = ""',
    "password = ''",
    'endpoint = ["https://registry.example/v2"]',
    "agent.https_proxy=http://proxy:8080",
    "# no secrets in here: token rotation is described elsewhere",
    'mirrors = { "docker.io" = { endpoint = ["https://a"] } }',
    "mail = 'ops@example.org'",
    "tokens_per_second = 5",
  ]) {
    it(`leaves ${text} as it is`, () => {
      assert.strictEqual(maskSecrets(text), text)
    })
  }

  it("masks multi-line secrets to their end", () => {
    for (const quotes of ['"""', "'''"]) {
      const masked = maskSecrets(`token = ${quotes}\nfirst\nsecond${quotes}\nx = 1\n`)
      assert.notInclude(masked, "first")
      assert.notInclude(masked, "second")
      assert.include(masked, "x = 1")
    }
    const array = maskSecrets('auth = [\n  "first", # ]\n  "second"\n]\nx = 1\n')
    assert.notInclude(array, "second")
    assert.include(array, "x = 1")
  })

  it("never shows a secret wherever in a TOML document it stands", () => {
    const key = fc.constantFrom(
      "password",
      "auth",
      "username",
      "identitytoken",
      '"token"',
      "registry_token",
      "Secret",
    )
    const secret = fc.stringMatching(/^[a-z0-9]{6,12}$/).map((s) => `s3cr3t${s}`)
    const wrap = fc.constantFrom(
      (s: string) => s,
      (s: string) => `x = { ${s} }`,
      (s: string) => `x = { a = 1, ${s} , b = [2] }`,
      (s: string) => `x = { y = { ${s} }, z = 1 }`,
      (s: string) => `x = [ { ${s} }, { q = 1 } ]`,
      (s: string) => `  ${s}   # note`,
      (s: string) => `[a]\r\n${s}\r\n[b]`,
    )
    fc.assert(
      fc.property(
        key,
        secret,
        wrap,
        fc.constantFrom('"', "'"),
        fc.constantFrom("=", " = "),
        (k, s, w, q, eq) => {
          const masked = maskSecrets(w(`${k}${eq}${q}${s}${q}`))
          assert.notInclude(masked, s)
          assert.include(masked, Masking.mask)
        },
      ),
      { numRuns: 300 },
    )
  })

  it("leaves a JSON document one, with the same meaning, when its strings were masked before", () => {
    const piece = fc.constantFrom(
      'password = "a"',
      "auth = { username = 'x' }",
      'token = ""',
      "token =",
      "secret = 12",
      'say "hi" \\ {',
      "http://u:p@h/",
      "\n",
      " ",
      "[",
      '"auth": "x"',
      "\t",
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.constantFrom(0, 2), (pieces, indent) => {
        const document = {
          message: maskSecrets(pieces.join("")),
          token: "t",
          nested: [{ username: null, a: 1 }],
        }
        assert.deepStrictEqual(JSON.parse(maskSecrets(JSON.stringify(document, null, indent))), {
          message: document.message,
          token: Masking.mask,
          nested: [{ username: null, a: 1 }],
        })
      }),
      { numRuns: 300 },
    )
  })

  it("masks values inside the strings of a JSON document", () => {
    const text = JSON.stringify({ diff: 'a = 1\npassword = "secret"\nb = 2' })
    assert.deepStrictEqual(JSON.parse(maskSecrets(text)), { diff: 'a = 1\npassword = "***"\nb = 2' })
  })

  it("masks what is masked already to the same text", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom('password = "a"', "x = 1", "u://a:b@c", "auth = { a = 'b' }", "", "token="),
          { maxLength: 6 },
        ),
        (lines) => {
          const once = maskSecrets(lines.join("\n"))
          assert.strictEqual(maskSecrets(once), once)
        },
      ),
    )
  })

  it("copes with long hostile texts", () => {
    // Backtracking would run into the time limit of tests.
    for (const text of [
      "a".repeat(300_000),
      `${"a".repeat(100_000)}://`,
      `http://${"u:".repeat(100_000)}`,
      " ".repeat(300_000),
      `auth${" ".repeat(200_000)}x`,
      "password = ".repeat(30_000),
      `auth = ${"{".repeat(100_000)}`,
      `auth = ${"[".repeat(100_000)}\n`,
      'password = "'.repeat(20_000),
      `password = "${"\\".repeat(200_000)}`,
      "a://".repeat(80_000),
      "\n\t".repeat(100_000),
    ]) {
      assert.isString(maskSecrets(text))
    }
  })
})
