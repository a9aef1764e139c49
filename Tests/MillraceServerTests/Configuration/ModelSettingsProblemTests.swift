import MillraceCore
import Testing

@testable import MillraceServer

/// Each mistake in `models:` and `embedders:` gives one problem with key, file and line, and no noise beside it.
@Suite struct ModelSettingsProblemTests {
    private static let secret = "sk-0123456789abcdef"

    /// The text of a model whose members are those lines.
    private static func model(_ lines: String) -> String {
        "models:\n  m:\n" + lines.split(separator: "\n").map { "    \($0)\n" }.joined()
    }

    @Test(arguments: [
        ("model: x", "line 2: models.m: needs 'type': one of openai, anthropic, bedrock, custom, fallback, route"),
        (
            "type: opnai\nmodel: x\nprice: {prompt: 1, completion: 1}",
            "line 3: models.m.type: expected one of openai, anthropic, bedrock, custom, fallback, route (did you mean openai?), found 'opnai'"
        ),
        ("type: openai\nprice: {prompt: 1, completion: 1}", "line 2: models.m: needs 'model': the model's name at the server"),
        ("type: anthropic", "line 2: models.m: needs 'model': the model's name at the server"),
        ("type: openai\nmodel: [a]", "line 4: models.m.model: expected text that is not empty, found a list"),
        ("type: openai\nmodel: ''", "line 4: models.m.model: expected text that is not empty, found ''"),
        ("type: openai\nmodel: x\nseesImages: maybe", "line 5: models.m.seesImages: expected true or false, found 'maybe'"),
        (
            "type: openai\nmodel: x\nidleTimeoutSeconds: 0",
            "line 5: models.m.idleTimeoutSeconds: expected a number of seconds from 0.001 to 86400, found '0'"
        ),
        (
            "type: openai\nmodel: x\nmaxTokensField: max_token",
            "line 5: models.m.maxTokensField: expected max_tokens or max_completion_tokens (did you mean max_tokens?), found 'max_token'"
        ),
        ("type: openai\nmodel: x\nextra: 5", "line 5: models.m.extra: expected a group of members for the request's body, found '5'"),
        ("type: openai\nmodel: x\nheaders: 5", "line 5: models.m.headers: expected a group of keys, found '5'"),
        (
            "type: openai\nmodel: x\nheaders: {A B: c}",
            "line 5: models.m.headers.A B: is no name of a header field: letters, digits and -"
        ),
        (
            "type: openai\nmodel: x\nheaders: {A: \"b\\r\\nC: d\"}",
            "line 5: models.m.headers.A: holds a line break or another control character"
        ),
        (
            "type: anthropic\nmodel: x\nmaxTokens: 0",
            "line 5: models.m.maxTokens: expected a whole number from 1 to 10000000, found '0'"
        ),
        (
            "type: anthropic\nmodel: x\nthinking: adaptive\nthinkingTokens: 2000",
            "line 6: models.m.thinkingTokens: is a way of thinking of its own: leave 'thinking' out"
        ),
        ("type: anthropic\nmodel: x\nbetas: a", "line 5: models.m.betas: expected a list, found 'a'"),
        ("type: anthropic\nmodel: x\nbetas: [[a]]", "line 5: models.m.betas: expected text, found a list"),
        // URLs
        (
            "type: openai\nmodel: x\nurl: ftp://a.example",
            "line 5: models.m.url: expected an http or https URL, such as http://127.0.0.1:8080/v1"
        ),
        (
            "type: openai\nmodel: x\nurl: http://a.example:99999/v1",
            "line 5: models.m.url: expected an http or https URL, such as http://127.0.0.1:8080/v1"
        ),
        (
            "type: openai\nmodel: x\nurl: 'http:///v1'",
            "line 5: models.m.url: expected an http or https URL, such as http://127.0.0.1:8080/v1"
        ),
        (
            "type: openai\nmodel: x\nurl: http://a.example/v1?x=1",
            "line 5: models.m.url: the URL is a base that paths are appended to: leave its query out"
        ),
        ("type: openai\nmodel: x\nurl: {}", "line 5: models.m.url: expected text that is not empty, found a group of keys"),
        (
            "type: openai\nmodel: x\nrecord: a\nreplay: b",
            "line 6: models.m.replay: a model is recorded or replayed, not both: keep one of 'record' and 'replay'"
        ),
        // Prices
        (
            "type: openai\nmodel: x\nprice: {prompt: 1}",
            "line 5: models.m.price: needs 'completion': US dollars per million tokens, 0 to 1000000"
        ),
        (
            "type: openai\nmodel: x\nprice: {prompt: -1, completion: 1}",
            "line 5: models.m.price.prompt: expected US dollars per million tokens, 0 to 1000000, found '-1'"
        ),
        (
            "type: openai\nmodel: x\nprice: {prompt: 1, completion: nan}",
            "line 5: models.m.price.completion: expected US dollars per million tokens, 0 to 1000000, found 'nan'"
        ),
        ("type: openai\nmodel: x\nprice: 3", "line 5: models.m.price: expected a group of keys, found '3'"),
        (
            "type: fallback\nmodels: [a]\nprice: {prompt: 1, completion: 1}",
            "line 5: models.m.price: a fallback has no price of its own: give each of its models one"
        ),
        // Compositions
        ("type: fallback", "line 2: models.m: needs 'models': a list of the ids of the models to ask, in order"),
        ("type: fallback\nmodels: []", "line 4: models.m.models: expected a list of the ids of the models to ask, in order"),
        ("type: fallback\nmodels: a", "line 4: models.m.models: expected a list, found 'a'"),
        (
            "type: fallback\nmodels: [a, b, a]",
            "line 4: models.m.models: names 'a' twice: a model that has failed is not asked again"
        ),
        ("type: route\notherwise: a", "line 2: models.m.rules: expected a list of conditions, each with the model to choose"),
        (
            "type: route\nrules: []\notherwise: a",
            "line 4: models.m.rules: expected a list of conditions, each with the model to choose"
        ),
        (
            "type: route\nrules: [{tools: true, model: b}]",
            "line 2: models.m: needs 'otherwise': the id of the model for requests that no rule matches"
        ),
        (
            "type: route\nrules:\n  - {tools: true}\notherwise: a",
            "line 5: models.m.rules[0]: needs 'model': the id of the model to choose"
        ),
        (
            "type: route\nrules:\n  - {model: b}\notherwise: a",
            "line 5: models.m.rules[0]: needs a condition: tools, images, documents, outputSchema, tokensOver"
        ),
        (
            "type: route\nrules:\n  - {tools: true, model: b}\n  - {images: false, model: b}\notherwise: a",
            "line 6: models.m.rules[1].images: a rule asks for what a request has: 'true', or leave it out"
        ),
        (
            "type: route\nrules: [{tokensOver: many, model: b}]\notherwise: a",
            "line 4: models.m.rules[0].tokensOver: expected a whole number from 0 to 1000000000, found 'many'"
        ),
        ("type: route\nrules: 3\notherwise: a", "line 4: models.m.rules: expected a list of groups, found '3'"),
        // Custom APIs
        ("type: custom", "line 2: models.m: url is missing; body is missing; response is missing"),
        (
            "type: custom\nurl: https://a.example/g\nbody: {p: '{{promt}}'}\nresponse: {text: $.t}",
            "line 2: models.m: the request template at $.p has the unknown placeholder {{promt}}: did you mean {{prompt}}? "
                + "known are {{max_tokens}}, {{message}}, {{messages}}, {{model}}, {{prompt}}, {{stop}}, {{system}}, {{temperature}}"
        ),
        (
            "type: custom\nurl: https://a.example/g\nbody: {p: '{{prompt}}'}\nresponse: {txt: $.t}",
            "line 2: models.m: response.text is missing; response.txt is not known: did you mean 'text'?"
        ),
        (
            "type: custom\nurl: https://a.example/g\nmethod: GET\nbody: {p: '{{prompt}}'}\nresponse: {text: $.t}",
            "line 2: models.m: its method is 'GET', and must be POST, PUT or PATCH"
        ),
        (
            "type: custom\nurl: https://a.example/g\nheaders: {X: '{{credential}}'}\nbody: {p: '{{prompt}}'}\nresponse: {text: $.t}",
            "line 2: models.m: the header 'X' asks for {{credential}}, and none is configured"
        ),
        (
            "type: custom\nurl: a.example\nbody: {p: '{{prompt}}'}\nresponse: {text: $.t}",
            "line 4: models.m.url: expected an http or https URL, such as http://127.0.0.1:8080/v1"
        ),
    ])
    func mistake_isOneProblemWithItsPlace(lines: String, problem: String) {
        let report = inspect(yaml: Self.model(lines))
        #expect(report.problems.map(\.description) == ["config.yaml, \(problem)"])
        #expect(report.warnings.isEmpty, "no noise beside it")
    }

    @Test(arguments: [
        ("models: 5", "line 1: models: expected a group of keys, found '5'"),
        ("models: {m: openai}", "line 1: models.m: expected a group of keys, found 'openai'"),
        ("models: {local: {type: openai, model: x}}", "line 1: models.local: 'local' is the embedded one: choose another id"),
        (
            "models: {a b: {type: openai, model: x}}",
            "line 1: models.a b: an id is 1 to 128 visible ASCII characters without comma and space"
        ),
        (
            "models: {'a,b': {type: openai, model: x}}",
            "line 1: models.a,b: an id is 1 to 128 visible ASCII characters without comma and space"
        ),
        (
            "models: {a: {type: openai, model: x, record: r}}\nembedders:\n  b: {type: openai, model: x, record: r}",
            "line 3: embedders.b.record: models.a is recorded there too: each needs a directory of its own"
        ),
        (
            "models: {a: {type: openai, model: x}}\nbase:\n  models: {a: {model: y}, b: {type: openai, model: x}}",
            "line 3: models.a: already given in line 1: keep one of them"
        ),
        ("embedders: {e: {model: x}}", "line 1: embedders.e: needs 'type': openai or bedrock"),
        ("embedders: {e: {type: anthropic, model: x}}", "line 1: embedders.e.type: expected openai or bedrock, found 'anthropic'"),
        ("embedders: {e: {type: openai}}", "line 1: embedders.e: needs 'model': the model's name at the server"),
        (
            "embedders: {e: {type: openai, model: x, dimensions: 0}}",
            "line 1: embedders.e.dimensions: expected a whole number from 1 to 65536, found '0'"
        ),
        (
            "embedders: {e: {type: openai, model: x, pricePerMillionTokens: free}}",
            "line 1: embedders.e.pricePerMillionTokens: expected US dollars per million tokens, 0 to 1000000, found 'free'"
        ),
        ("embedders: {local: {type: openai, model: x}}", "line 1: embedders.local: 'local' is the embedded one: choose another id"),
        ("taskModels: {chat: [a]}", "line 1: taskModels.chat: expected a model's id, found a list"),
        ("taskModels: gpt", "line 1: taskModels: expected a group of keys, found 'gpt'"),
    ])
    func mistakeElsewhere_isOneProblemWithItsPlace(yaml: String, problem: String) {
        let report = inspect(yaml: yaml)
        #expect(report.problems.map(\.description) == ["config.yaml, \(problem)"])
        #expect(report.warnings.isEmpty)
    }

    @Test func allProblems_areSaidAtOnce() {
        let report = inspect(yaml: Self.model("type: openai\nurl: nowhere\nseesImages: 5\nprice: {}"))
        #expect(
            report.problems.map(\.key) == [
                "models.m.price", "models.m.price", "models.m.url", "models.m", "models.m.seesImages",
            ])
    }

    @Test func unknownKeys_areWarnings_withWhatWasProbablyMeant() {
        let report = inspect(
            yaml: """
                models:
                  m: {type: openai, model: x, apikey: env:KEY, price: {prompt: 1, completion: 1, cached: 0}}
                  r: {type: route, rules: [{tools: true, modl: b, model: b}], otherwise: x}
                  c: {type: custom, url: "https://a.example/g", body: {p: "{{prompt}}"}, response: {text: $.t}, replays: a}
                embedders:
                  e: {type: openai, model: x, batchSize: 3}
                """)
        #expect(report.problems.isEmpty)
        #expect(
            report.warnings.map(\.description) == [
                "config.yaml, line 2: models.m.price.cached: unknown key",
                "config.yaml, line 2: models.m.apikey: unknown key: did you mean 'apiKey'?",
                "config.yaml, line 3: models.r.rules[0].modl: unknown key: did you mean 'model'?",
                "config.yaml, line 4: models.c.replays: unknown key: did you mean 'replay'?",
                "config.yaml, line 6: embedders.e.batchSize: unknown key",
            ])
    }

    @Test(arguments: [
        ("models", "models"), ("modles", "models"), ("embeders", "embedders"), ("taskModel", "taskModels"),
    ])
    func misspeltGroup_isNamed(group: String, meant: String) {
        let warnings = inspect(yaml: "\(group): {}").warnings.map(\.message)
        #expect(warnings == (group == meant ? [] : ["unknown key: did you mean '\(meant)'?"]))
    }

    // MARK: Secrets

    @Test(arguments: [
        ("apiKey: \(secret)", "models.m.apiKey"), ("apiKey: env:\(secret)", "models.m.apiKey"), ("apiKey: 'env:'", "models.m.apiKey"),
        ("apiKey: 'file:'", "models.m.apiKey"), ("headers: {Authorization: Bearer \(secret)}", "models.m.headers.Authorization"),
        ("headers: {X-Api-Key: \(secret)}", "models.m.headers.X-Api-Key"), ("headers: {cookie: \(secret)}", "models.m.headers.cookie"),
        ("url: 'https://me:\(secret)@a.example/v1'", "models.m.url"), ("url: 'https://\(secret)@a.example/v1'", "models.m.url"),
        ("url: 'https://a.example/v1?key=\(secret)'", "models.m.url"),
    ])
    func literalSecret_isAProblem_andNeverSaid(line: String, key: String) {
        let report = inspect(yaml: Self.model("type: openai\nmodel: x\n\(line)"))
        #expect(report.problems.map(\.key) == [key])
        #expect(report.problems.first?.origin == .file(path: "config.yaml", line: 5))
        expectNothing(of: Self.secret, in: report)
    }

    @Test(arguments: [
        ("url: 'https://a.example/g?key=\(secret)'", "models.m.url"), ("url: 'https://a.example/g?x=1&api_key=\(secret)'", "models.m.url"),
        ("url: 'https://me:\(secret)@a.example/g'", "models.m.url"),
        ("url: https://a.example/g\nheaders: {Authorization: Bearer \(secret)}", "models.m.headers.Authorization"),
        ("url: https://a.example/g\nheaders: {X-Auth: env:NAME}", "models.m.headers.X-Auth"),
        ("url: https://a.example/g\napiKey: \(secret)", "models.m.apiKey"),
    ])
    func literalSecretOfACustomAPI_isAProblem_andNeverSaid(lines: String, key: String) {
        let report = inspect(yaml: Self.model("type: custom\nbody: {p: '{{prompt}}'}\nresponse: {text: $.t}\n\(lines)"))
        #expect(report.problems.map(\.key) == [key])
        expectNothing(of: Self.secret, in: report)
    }
}

/// Nothing that prints settings or what is wrong with them shows the text.
func expectNothing(of secret: String, in report: SettingsReport, sourceLocation: SourceLocation = #_sourceLocation) {
    var dumped = ""
    dump(report, to: &dumped)
    for text in ["\(report.settings)", "\(report.settings.models)", "\(report)", "\(report.problems)", dumped] {
        #expect(!text.contains(secret), sourceLocation: sourceLocation)
    }
}
