import Millrace
import MillraceCore
import Testing

@Suite struct ToolSchemaTests {
    private static let schema: JSONValue = [
        "type": "object", "additionalProperties": false, "required": ["town"],
        "properties": [
            "town": ["type": "string", "minLength": 2, "maxLength": 5, "description": "a town"],
            "days": ["type": "integer", "minimum": 1, "maximum": 7], "unit": ["enum": ["C", "F"]],
            "share": ["type": ["number", "null"], "exclusiveMinimum": 0, "exclusiveMaximum": 1],
            "list": ["type": "array", "minItems": 1, "maxItems": 2, "items": ["type": "object", "required": ["a"]]],
            "either": ["anyOf": [["type": "string"], ["type": "boolean"]]], "fixed": ["const": "x"],
            "more": ["type": "object", "additionalProperties": ["type": "integer"]],
        ],
    ]

    @Test(
        arguments: [
            (#"{"town":"Rome"}"#, nil), (#"{"town":"Rome","days":2.0,"unit":"C","share":0.5}"#, nil),
            (#"{"town":"Rome","share":null,"list":[{"a":1}],"either":true,"fixed":"x","more":{"y":1}}"#, nil),
            ("[]", "the arguments must be an object, not an array"), ("{}", "town is missing"),
            (#"{"town":1}"#, "town must be a string, not a number"),
            (#"{"town":"R"}"#, "town must have at least 2 characters, not 1"),
            (#"{"town":"Rome, Italy"}"#, "town must have at most 5 characters, not 11"),
            (#"{"town":"Rome","days":0}"#, "days must be at least 1, not 0"),
            (#"{"town":"Rome","days":8}"#, "days must be at most 7, not 8"),
            (#"{"town":"Rome","days":1.5}"#, "days must be an integer, not a number"),
            (#"{"town":"Rome","unit":"K"}"#, #"unit must be one of "C", "F", not "K""#),
            (#"{"town":"Rome","share":0}"#, "share must be more than 0, not 0"),
            (#"{"town":"Rome","share":1}"#, "share must be less than 1, not 1"),
            (#"{"town":"Rome","share":"a"}"#, "share must be a number or null, not a string"),
            (#"{"town":"Rome","list":[]}"#, "list must have at least 1 element, not 0"),
            (#"{"town":"Rome","list":[{"a":1},{"a":1},{"a":1}]}"#, "list must have at most 2 elements, not 3"),
            (#"{"town":"Rome","list":[{"a":1},{}]}"#, "list[1].a is missing"),
            (#"{"town":"Rome","either":1}"#, "either must be a string, not a number"),
            (#"{"town":"Rome","fixed":"y"}"#, #"fixed must be "x", not "y""#),
            (#"{"town":"Rome","more":{"y":"z"}}"#, "more.y must be an integer, not a string"),
            (#"{"town":"Rome","dayz":1}"#, "dayz is not known: did you mean 'days'?"),
            (#"{"town":"Rome","wholly":1}"#, "wholly is not known; there are days, either, fixed, list, more, share, town, unit"),
        ] as [(String, String?)])
    func arguments_areCheckedInWords(text: String, problem: String?) throws {
        let arguments = try JSONValue(parsing: text)
        #expect(try ToolSchema(Self.schema).problem(with: arguments) == problem)
    }

    @Test(
        arguments: [
            ("{}", "must have \"type\": \"object\""), (#"{"type":"string"}"#, "must have \"type\": \"object\""),
            (#"{"type":"object","pattern":"a"}"#, "has 'pattern', which is not checked"),
            (#"{"type":"object","properties":{"a":{"type":"text"}}}"#, #"at /a has a type that there is not: "text""#),
            (#"{"type":"object","properties":{"a":{"items":{"minimum":"1"}}}}"#, "at /a/items has a minimum that is no number"),
            (#"{"type":"object","properties":{"a":{"maxLength":-1}}}"#, "at /a has a maxLength that is no count"),
            (#"{"type":"object","properties":[]}"#, "has properties that are no object"),
            (#"{"type":"object","required":[1]}"#, "has a wrong list of required"),
            (#"{"type":"object","properties":{"a":{"enum":[]}}}"#, "has an enum without values"),
        ])
    func schemaThatIsNotChecked_isRefused(text: String, problem: String) throws {
        let schema = try JSONValue(parsing: text)
        #expect { _ = try ToolSchema(schema) } throws: { ($0 as? MillraceError)?.message.contains(problem) == true }
    }

    @Test(arguments: ["", "Weather", "a-b", "1a", String(repeating: "a", count: 65)])
    func toolsName_mustBeSnakeCase(name: String) {
        #expect { _ = try Tool(name: name, description: "", arguments: ["type": "object"]) { _, _ in .null } } throws: {
            ($0 as? MillraceError)?.code == .invalidInput
        }
    }

    @Test func registry_knowsItsTools_andWhatIsMeant() throws {
        var registry = ToolRegistry()
        try registry.register(Tool(name: "weather", description: "", arguments: ["type": "object"]) { _, _ in .null })
        registry.omit("search", reason: "no engine")
        #expect(throws: MillraceError.self) {
            try registry.register(Tool(name: "weather", description: "", arguments: ["type": "object"]) { _, _ in .null })
        }
        #expect(
            registry.names == ["search", "weather"] && registry["search"] == nil && registry.reasonForOmission(of: "search") == "no engine")
        #expect(registry.tools(named: ["weather", "search", "none", "weather"]).map(\.name) == ["weather"])
        #expect(registry.problem(with: "search") == nil && registry.problem(with: "weather") == nil)
        #expect(registry.problem(with: "wether") == "there is no tool 'wether': did you mean 'weather'?")
        #expect(registry.problem(with: "mail") == "there is no tool 'mail': there are search, weather")
    }

    /// Models write `12.0` for 12; a tool that asks for an integer gets one, and nothing that is none.
    @Test func integralNumbers_areIntegers() throws {
        let schema = try ToolSchema(["type": "object", "properties": ["n": ["type": "integer"]]])
        #expect(schema.problem(with: ["n": 12.0]) == nil && schema.problem(with: ["n": 12.5]) != nil)
        #expect(schema.problem(with: ["n": .double(1e19)]) != nil)
        #expect(ToolSchema.normalized(["n": 12.0, "list": [1.0, 0.5, "2.0"]]) == ["n": 12, "list": [1, 0.5, "2.0"]])
    }
}
